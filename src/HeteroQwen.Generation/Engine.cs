using System.Collections.Immutable;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Generation;

/// <summary>A model on a device: its graph lowered once, its KV pool, and the steps that run on them. For one thread at a time.</summary>
public sealed class Engine : IDisposable
{
    private readonly Session _session;
    private readonly StepBuilder _builder;
    private readonly KvPool _pool;

    private Engine(IModelSource model, Device device, Device? host, EngineOptions options)
    {
        Config = model.Config;
        StopIds = [.. model.Config.EosTokenIds.Union(model.Generation.EosTokenIds)];
        EngineGraph opened = new(model, device, options);
        EnginePlan plan = opened.Plan;
        (KvType, Context, SequenceLimit) = (plan.Kv.Type, plan.Context, plan.SequenceLimit);
        (Maxima, MaxSequences, Name) = (plan.Sizes.Maxima, options.MaxSequences, $"{model.Name} on {device.Id}");
        void CopyRows(long from, long to, long rows) => _session!.CopyStateRows(from, to, rows);
        _pool = new KvPool(plan.PoolPages, (int)plan.Kv.Page, plan.SequenceLimit, CopyRows);
        _builder = new StepBuilder(new RopeTable(Config.HeadDim, Config.Rope), plan.Sizes, _pool);
        _session = Session.Create(opened.Graph, model.Get, device, host, opened.Session, model.Release);
    }

    /// <summary>Model and device, for messages.</summary>
    public string Name { get; }

    public Qwen3Config Config { get; }

    /// <summary>Tokens that end an answer: those of <c>config.json</c> and of <c>generation_config.json</c>.</summary>
    public ImmutableArray<int> StopIds { get; }

    /// <summary>Type of the KV cache.</summary>
    public ElementType KvType { get; }

    /// <summary>Entries of the KV pool.</summary>
    public int Context { get; }

    /// <summary>The most tokens of one sequence: the context or the model's limit, whichever is less.</summary>
    public int SequenceLimit { get; }

    public int MaxSequences { get; }

    /// <summary>The largest value of each symbol in any step, padding included.</summary>
    public Bindings Maxima { get; }

    /// <summary>The most tokens of a step.</summary>
    public int MaxTokens => (int)Maxima.T;

    /// <summary>What ran on the host and why.</summary>
    public Ledger Ledger => _session.Ledger;

    /// <summary>The graph as it runs on the device.</summary>
    public LoweredGraph Lowered => _session.Lowered;

    /// <summary>Times per operation; empty unless the engine was opened to profile.</summary>
    public IReadOnlyList<OpTiming> Timings => _session.Timings;

    /// <summary>Pages that no sequence holds.</summary>
    public int FreePages => _pool.FreePages;

    /// <summary>Pages of the pool in all.</summary>
    public int Pages => _pool.Pages;

    /// <summary>Opens a model. The source stays open as long as the engine.</summary>
    /// <param name="model">Configuration and weights.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="host">Where ops go that the device does not run, if the options allow it.</param>
    /// <param name="options">Precision, sizes and consents.</param>
    /// <exception cref="UserErrorException">The device cannot do what is asked, or has too little memory.</exception>
    public static Engine Open(IModelSource model, Device device, Device? host, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        return new Engine(model, device, host, options);
    }

    public Sequence NewSequence() => _pool.NewSequence();

    /// <summary>Entries of a page.</summary>
    public int PageSize => _pool.PageSize;

    /// <summary>Pages that so many entries of one sequence take.</summary>
    public int PagesFor(int entries) => _pool.PagesFor(entries);

    /// <summary>
    /// Runs the tokens of several sequences in one step and appends them to the sequences. Returns the logits wanted, [rows, V], item
    /// by item in position order; valid until the next step. Waits for the device only if there are any.
    /// </summary>
    /// <exception cref="PoolExhaustedException">The pool has too few pages; no sequence has changed.</exception>
    /// <exception cref="UserErrorException">A token is outside the vocabulary, or a sequence would exceed its limit.</exception>
    public ReadOnlySpan<float> Step(ReadOnlySpan<StepItem> items)
    {
        Check(items);
        Reserve(items);
        Bindings bindings = _builder.Fill(items, StepInputs.Of(_session));
        _session.Run(bindings);
        int rows = 0;
        foreach (StepItem item in items)
        {
            item.Sequence.Length += item.Tokens.Length;
            rows += item.RowCount;
        }

        return rows == 0 ? [] : _session.Output(Qwen3Graph.Logits)[..(rows * Config.VocabSize)];
    }

    /// <summary>Checks that ids are of the vocabulary.</summary>
    /// <exception cref="UserErrorException">One is not.</exception>
    public void CheckIds(ReadOnlySpan<int> ids)
    {
        int wrong = ids.IndexOfAnyExceptInRange(0, Config.VocabSize - 1);
        if (wrong >= 0)
        {
            throw new UserErrorException(
                $"token {ids[wrong]} (number {wrong + 1} of {ids.Length}) is outside the vocabulary; "
                + $"take ids from 0 to {Config.VocabSize - 1}");
        }
    }

    public void Dispose() => _session.Dispose();

    private void Check(ReadOnlySpan<StepItem> items)
    {
        if (items.IsEmpty || items.Length > MaxSequences)
        {
            throw new ArgumentException($"a step has 1 to {MaxSequences} sequences, not {items.Length}", nameof(items));
        }

        for (int i = 0; i < items.Length; i++)
        {
            StepItem item = items[i];
            item.Sequence.ThrowIfDisposed();
            if (item.Sequence.Pool != _pool || item.Tokens.IsEmpty)
            {
                throw new ArgumentException("an item of a step has a sequence of this engine and at least one token", nameof(items));
            }

            for (int j = 0; j < i; j++)
            {
                if (items[j].Sequence == item.Sequence)
                {
                    throw new ArgumentException("a sequence is in a step once", nameof(items));
                }
            }

            CheckIds(item.Tokens.Span);
            if ((long)item.Sequence.Length + item.Tokens.Length > SequenceLimit)
            {
                long length = (long)item.Sequence.Length + item.Tokens.Length;
                throw new UserErrorException(
                    $"{length} tokens exceed the context of {SequenceLimit}; shorten the text or take a larger context (-c)");
            }
        }

        Bindings step = StepBuilder.Measure(items);
        if (step.T > Maxima.T || step.R > Maxima.R)
        {
            string most = $"{Maxima.T} tokens and {Maxima.R} rows";
            throw new ArgumentException($"a step has at most {most}, not {step.T} and {step.R}", nameof(items));
        }
    }

    private void Reserve(ReadOnlySpan<StepItem> items)
    {
        foreach (StepItem item in items)
        {
            if (_pool.TryReserve(item.Sequence, item.Tokens.Length))
            {
                continue;
            }

            foreach (StepItem reserved in items)
            {
                reserved.Sequence.Truncate(reserved.Sequence.Length);
            }

            throw new PoolExhaustedException((int)StepBuilder.Measure(items).T, _pool.FreePages, _pool.PageSize);
        }
    }
}
