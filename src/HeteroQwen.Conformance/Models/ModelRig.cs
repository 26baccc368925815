using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>Opens models for one case and releases them at its end.</summary>
internal sealed class ModelRig(CaseContext context, Precision precision) : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private readonly SortedDictionary<string, string> _onHost = new(StringComparer.Ordinal);

    public CaseContext Context => context;

    public Precision Precision => precision;

    /// <summary>Whether a row's bits may depend on nothing but its own text.</summary>
    public bool IsBatchInvariant => context.Device.Capabilities.Determinism == Determinism.BatchInvariant && _onHost.Count == 0;

    /// <summary>Ops that the host ran, with the device's reasons.</summary>
    public IReadOnlyDictionary<string, string> OnHost => _onHost;

    /// <summary>Opens a golden model on the device under test.</summary>
    public ModelRun Golden(string name, int entries, int sequences = 1, ElementType? kv = null) =>
        Open(ModelSource.Open(GoldenModel.PathOf(name)), Room(entries, sequences), sequences, kv);

    /// <summary>Entries of a pool with room for so many in each sequence, since sequences share no page that is partly filled.</summary>
    public int Room(int entries, int sequences)
    {
        int page = context.Device.Capabilities.PageSize;
        return sequences == 1 ? entries : checked((entries + page - 1) / page * page * sequences);
    }

    /// <summary>Opens a model on the device under test; the rig owns the source from here on.</summary>
    public ModelRun Open(IModelSource source, int entries, int sequences = 1, ElementType? kv = null)
    {
        _owned.Push(source);
        return Open(source, context.Device, context.Host, new EngineOptions
        {
            Precision = precision,
            Context = entries,
            KvType = kv,
            AllowHostFallback = true,
            MaxSequences = sequences,
            AllRows = true,
        });
    }

    /// <summary>Opens a model that the rig owns on another device, in exact.</summary>
    public ModelRun OpenElsewhere(IModelSource source, Device device, int entries) => Open(
        source, device, null, new EngineOptions { Precision = Precision.Exact, Context = entries, AllRows = true });

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private ModelRun Open(IModelSource source, Device device, Device? host, EngineOptions options)
    {
        Engine engine = Open(device);
        _owned.Push(engine);
        foreach (LedgerRow row in device == context.Device ? engine.Ledger.Rows.Where(r => r.Count > 0) : [])
        {
            _onHost.TryAdd(row.Op, row.Reason);
        }

        return new ModelRun(engine);

        Engine Open(Device on)
        {
            try
            {
                return Engine.Open(source, on, host, options);
            }
            catch (UserErrorException e)
            {
                throw new DeviceRefusesException(e.Message, e);
            }
        }
    }
}

/// <summary>A model cannot be opened on a device, for a reason that the device or the host gives.</summary>
internal sealed class DeviceRefusesException(string message, Exception cause) : Exception(message, cause);

/// <summary>An open model.</summary>
internal sealed record ModelRun(Engine Engine)
{
    /// <summary>The logits of every position of a text.</summary>
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

    /// <summary>How far logits of this model may be from float64's.</summary>
    public LogitsBound Bound(ModelRig rig, bool hasOutliers = false) =>
        LogitsBound.Golden(rig.Context, rig.Precision, Engine.KvType, Engine.Config.IsMoe, hasOutliers);
}
