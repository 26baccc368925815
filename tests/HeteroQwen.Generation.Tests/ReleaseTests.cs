using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>What a mapped file takes of this process's memory once its weights are packed.</summary>
public sealed class ReleaseTests : IDisposable
{
    private const string Weights = "model.safetensors";

    private readonly TempFolder _folder = new();

    public ReleaseTests()
    {
        foreach (string file in Directory.GetFiles(BundledModels.PathOf("tiny")))
        {
            File.Copy(file, _folder.File(Path.GetFileName(file)));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Open_gives_the_pages_of_packed_weights_back_and_the_logits_stay(bool packs)
    {
        ScriptedBackend backend = new(new CpuBackend()) { Packs = op => packs && op.Name != "gather_rows" };
        using Device device = Device.Open(backend, 0, new Attributes(("threads", 1)));
        using IModelSource model = ModelSource.Open(_folder.Path);
        foreach (string name in model.Names)
        {
            Touch(model.Get(name));
        }

        long whole = new FileInfo(_folder.File(Weights)).Length;
        AssertResident(whole / 2, long.MaxValue);
        using Engine engine = Engine.Open(model, device, null, new EngineOptions { Precision = Backends.Precision.Exact });
        AssertResident(packs ? 0 : whole / 2, packs ? whole / 10 : long.MaxValue);

        // The scripted kernels compute from the file all the same: its bytes are there still.
        using OpenModel other = new("tiny", new Opening("cpu") { Options = new() { Precision = Backends.Precision.Exact } });
        int[] tokens = [1, 5, 9, 13];
        OpenModel.AssertSameBits([LastRow(other.Engine, tokens)], [LastRow(engine, tokens)]);
    }

    private static float[] LastRow(Engine engine, int[] tokens)
    {
        using Sequence sequence = engine.NewSequence();
        return engine.Step([new StepItem(sequence, tokens, RowsWanted.Last)]).ToArray();
    }

    private static unsafe void Touch(ConstantData constant)
    {
        byte[] bytes = new byte[constant.Bytes];
        fixed (byte* to = bytes)
        {
            constant.Read(0, (nint)to, bytes.Length);
        }
    }

    /// <summary>On Linux alone can it be seen, and there alone is anything given back.</summary>
    private void AssertResident(long least, long most)
    {
        if (OperatingSystem.IsLinux())
        {
            string[] lines = File.ReadAllLines("/proc/self/smaps");
            int at = Array.FindIndex(lines, l => l.EndsWith(_folder.File(Weights), StringComparison.Ordinal));
            string rss = lines.Skip(at).First(l => l.StartsWith("Rss:", StringComparison.Ordinal));
            Assert.InRange(long.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024, least, most);
        }
    }
}
