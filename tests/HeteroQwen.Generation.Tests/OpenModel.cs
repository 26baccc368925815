using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>How a test opens a model: small pages, so that texts span several, and exact arithmetic unless it says otherwise.</summary>
internal sealed record Opening(string Backend)
{
    public static IReadOnlyList<string> Backends { get; } = ["reference", "cpu"];

    public int Threads { get; init; } = 1;

    public int Page { get; init; } = 8;

    public bool Rounds { get; init; }

    /// <summary>Ops that the device is made to refuse.</summary>
    public Func<OpDescriptor, bool> Refuses { get; init; } = _ => false;

    public EngineOptions Options { get; init; } = new() { Precision = Precision.Exact, AllRows = true };

    public Device Device()
    {
        IBackend backend = Backend == "cpu" ? new CpuBackend() : new ReferenceBackend();
        TweakedBackend tweaked = new(backend, c => c with { PageSize = Page, RoundsBindings = Rounds }, Refuses);
        return Runtime.Device.Open(tweaked, 0, new Attributes(("threads", Threads)));
    }
}

/// <summary>A model that is open on a device of its own.</summary>
internal sealed class OpenModel : IDisposable
{
    private readonly IModelSource _model;
    private readonly Device _device;

    public OpenModel(string model, Opening opening)
        : this(ModelSource.Open(model), opening)
    {
    }

    /// <summary>Takes the source over.</summary>
    public OpenModel(IModelSource model, Opening opening)
    {
        _model = model;
        _device = opening.Device();
        Engine = Engine.Open(_model, _device, null, opening.Options);
    }

    public Engine Engine { get; }

    public static OpenModel Golden(string name, Opening opening) => new(TestData.Path($"hf/{name}"), opening);

    /// <summary>The logits of every position.</summary>
    public float[][] Logits(int[] tokens, int? chunk = null)
    {
        List<float[]> rows = [];
        TeacherForced.Run(Engine, tokens, (_, row) => rows.Add(row.ToArray()), chunk);
        return [.. rows];
    }

    /// <summary>Runs one step of several sequences and returns the rows of each.</summary>
    public float[][][] Step(params (Sequence Sequence, int[] Tokens)[] items)
    {
        ReadOnlySpan<float> logits = Engine.Step([.. items.Select(i => new StepItem(i.Sequence, i.Tokens, RowsWanted.All))]);
        int vocab = Engine.Config.VocabSize;
        float[][][] rows = new float[items.Length][][];
        for (int i = 0; i < items.Length; i++)
        {
            rows[i] = new float[items[i].Tokens.Length][];
            for (int t = 0; t < rows[i].Length; t++, logits = logits[vocab..])
            {
                rows[i][t] = logits[..vocab].ToArray();
            }
        }

        return rows;
    }

    public void Dispose()
    {
        Engine.Dispose();
        _device.Dispose();
        _model.Dispose();
    }

    /// <summary>Asserts that two lists of rows are the same bit for bit.</summary>
    public static void AssertSameBits(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = MemoryMarshal.AsBytes(expected[i].AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(actual[i].AsSpan()));
            Assert.True(same, $"row {i} differs by {expected[i].Zip(actual[i], (a, b) => Math.Abs(a - b)).Max()}");
        }
    }
}
