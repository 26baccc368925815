using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// Attention over the paged pool. Scalar equivalent, for a head of a token at position p of sequence b, entries i from
/// max(0, p - window + 1) to p: s[i] = scale * q . k[slot i]; w = softmax(s); out = sum over i of w[i] v[slot i].
/// <para>A chunk of 128 positions is summed by itself, and chunks are merged in ascending order: a row's bits depend on its own q and its
/// entries, not on the batch, the tokens of the step, the placement of pages or the number of workers.</para>
/// <para>Units: many tokens, (tile of tokens, kv head) over all chunks. Few tokens, (tile, kv heads, chunk): records go to the workspace,
/// and a second pass merges them, a unit for each head of a token. Launches come one at a time.</para>
/// </summary>
internal sealed unsafe class AttentionCore
{
    /// <summary>Work in about a nanosecond: multiply-adds, and elements of K and V that are widened.</summary>
    private const long ProductsPerCost = 16;

    private readonly AttentionShape _shape;
    private readonly AttentionLoops _loops;
    private readonly WorkerPool _pool;
    private readonly Work _attend;
    private readonly Work _merge;
    private readonly long _record;
    private AttentionArguments _a;
    private AttentionPlan _plan;

    /// <exception cref="OverflowException">The scratch cannot be counted.</exception>
    public AttentionCore(AttentionShape shape, WorkerPool pool)
    {
        _shape = shape;
        _pool = pool;
        _loops = AttentionLoops.For(shape, pool.Tier.Width());
        _record = _loops.Layout.Record;
        _attend = Attend;
        _merge = Merge;
        ScratchBytes = AttentionScratch.Bytes(shape, _loops.Layout);
    }

    /// <summary>What the pool's scratch must hold.</summary>
    public long ScratchBytes { get; }

    /// <summary>Monotone in both.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public long WorkspaceBytes(long tokens, long entries) => AttentionPlan.WorkspaceBytes(
        _shape, _loops.Layout, tokens, Math.Min(entries, checked(_shape.Columns * _shape.Page)), _pool.Threads);

    /// <summary>Whether a launch can be run: every index is looked at.</summary>
    public Status Check(in AttentionArguments a) => AttentionChecks.Check(_shape, a);

    /// <summary>Runs a launch that has passed the check.</summary>
    public void Run(in AttentionArguments a, byte* workspace)
    {
        _a = a;
        _plan = AttentionPlan.For(_shape, _loops.Layout, a, workspace, _pool.Threads);
        long products = 2L * _shape.Heads * _shape.HeadDim * a.Tokens * _plan.Longest;
        _pool.Run(_attend, _plan.Units, products / ProductsPerCost / _plan.Units);
        if (_plan.IsSplit)
        {
            long cost = _plan.Chunks * _record / ProductsPerCost;
            _pool.Run(_merge, a.Tokens * _shape.Heads, cost);
        }
    }

    private void Attend(int worker, long begin, long end)
    {
        AttentionScratch scratch = new(_pool.Scratch(worker), _shape, _loops.Layout);
        for (long unit = begin; unit < end; unit++)
        {
            AttentionTile tile = _plan.Tile(_shape, _a, unit, out long chunk);
            _loops.LoadQ(_a, tile, scratch);
            if (_plan.IsSplit)
            {
                _loops.Chunk(_a, tile, chunk, scratch);
                MergeRows(tile, chunk, scratch);
            }
            else
            {
                AttendAll(tile, scratch);
            }
        }
    }

    private void AttendAll(in AttentionTile tile, in AttentionScratch scratch)
    {
        (long first, long last) = (long.MaxValue, 0);
        for (long t = tile.Token; t < tile.Token + tile.Tokens; t++)
        {
            (first, last) = (Math.Min(first, FirstChunk(t)), Math.Max(last, LastChunk(t)));
        }

        for (long chunk = first; chunk <= last; chunk++)
        {
            _loops.Chunk(_a, tile, chunk, scratch);
            MergeRows(tile, chunk, scratch);
        }

        for (int row = 0; row < tile.Rows; row++)
        {
            _loops.Finish(scratch.Totals + (row * _record), Output(tile.Token + tile.TokenOf(row), tile.HeadOf(row)));
        }
    }

    /// <summary>Takes a chunk's records into the totals, or where the chunks are units into the workspace.</summary>
    private void MergeRows(in AttentionTile tile, long chunk, in AttentionScratch scratch)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            int t = tile.TokenOf(row);
            if (scratch.Low[t] < scratch.High[t])
            {
                float* total = _plan.IsSplit ? _plan.Record(tile.Token + t, tile.HeadOf(row), chunk) : scratch.Totals + (row * _record);
                bool isFirst = _plan.IsSplit || chunk == FirstChunk(tile.Token + t);
                _loops.Merge(total, scratch.Chunks + (row * _record), isFirst);
            }
        }
    }

    /// <summary>The second pass: a unit is a head of a token.</summary>
    private void Merge(int worker, long begin, long end)
    {
        float* total = new AttentionScratch(_pool.Scratch(worker), _shape, _loops.Layout).Totals;
        for (long unit = begin; unit < end; unit++)
        {
            (long token, long head) = Math.DivRem(unit, _shape.Heads);
            long first = FirstChunk(token);
            for (long chunk = first; chunk <= LastChunk(token); chunk++)
            {
                _loops.Merge(total, _plan.Record(token, head, chunk), chunk == first);
            }

            _loops.Finish(total, Output(token, head));
        }
    }

    private long FirstChunk(long token) => _shape.First(_a.QPos[token]) / AttentionShape.Chunk;

    private long LastChunk(long token) => _a.QPos[token] / AttentionShape.Chunk;

    private float* Output(long token, long head) => _a.Output + (((token * _shape.Heads) + head) * _shape.HeadDim);
}
