namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// How a launch is cut into units. It decides who computes what, never what is computed. In the workspace lie the first token of each
/// tile and, where a tile's chunks are units of their own, their records [tokens, heads, chunks].
/// </summary>
internal unsafe struct AttentionPlan
{
    /// <summary>Units for each worker, so that they end at about the same time.</summary>
    private const int UnitsPerWorker = 4;

    /// <summary>Rows of a tile under a kv head up to which it takes several kv heads: the pool is then read as it lies.</summary>
    private const int FewRows = 16;

    /// <summary>Bytes of records at the most, unless a single token has more.</summary>
    private const long MostRecordBytes = 64 << 20;

    private int* _starts;
    private float* _records;
    private long _record;
    private int _heads;
    private int _tiles;
    private int _longestTile;
    private int _kvHeads;

    /// <summary>Whether a unit is one chunk.</summary>
    public bool IsSplit { get; private set; }

    public long Units { get; private set; }

    /// <summary>The first chunk that any token sees.</summary>
    public long FirstChunk { get; private set; }

    /// <summary>Chunks from there to the last that any token sees.</summary>
    public long Chunks { get; private set; }

    /// <summary>The largest number of entries up to a token's.</summary>
    public long Longest { get; private set; }

    public static AttentionPlan For(AttentionShape shape, AttentionLayout layout, in AttentionArguments a, byte* workspace, int threads)
    {
        AttentionPlan plan = new()
        {
            _starts = (int*)workspace,
            _records = (float*)(workspace + StartBytes(a.Tokens)),
            _record = layout.Record,
            _heads = shape.Heads,
        };
        plan.CutTokens(shape, a);
        long wanted = threads == 1 ? 1 : (long)threads * UnitsPerWorker;
        int rows = plan._longestTile * shape.Group;
        int fitting = Math.Min(AttentionScratch.MostKvHeads(layout), AttentionScratch.Rows(shape) / rows);
        plan._kvHeads = rows > FewRows ? 1 : Math.Min(shape.KvHeads, fitting);
        long bytes = a.Tokens * TokenBytes(shape, layout, plan.Longest);
        plan.IsSplit = plan.Chunks > 1 && plan.TileUnits(shape) < wanted && (a.Tokens == 1 || bytes <= MostRecordBytes);
        long parts = plan.IsSplit ? plan.Chunks : 1;
        while (plan._kvHeads > 1 && plan.TileUnits(shape) * parts < wanted)
        {
            plan._kvHeads = (plan._kvHeads + 1) / 2;
        }

        plan.Units = plan.TileUnits(shape) * parts;
        return plan;
    }

    /// <summary>Monotone in tokens and entries.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long WorkspaceBytes(AttentionShape shape, AttentionLayout layout, long tokens, long entries, int threads)
    {
        long token = entries <= AttentionShape.Chunk || threads == 1 ? 0 : TokenBytes(shape, layout, entries);
        return checked(StartBytes(tokens) + Math.Min(tokens * token, Math.Max(token, MostRecordBytes)));
    }

    /// <summary>The tile of a unit and, where the units are chunks, its chunk.</summary>
    public readonly AttentionTile Tile(AttentionShape shape, in AttentionArguments a, long unit, out long chunk)
    {
        chunk = 0;
        if (IsSplit)
        {
            (unit, chunk) = Math.DivRem(unit, Chunks);
            chunk += FirstChunk;
        }

        // From both ends in turn: workers take runs of units, and the later tokens of a sequence have more entries.
        (long group, long at) = Math.DivRem(unit, _tiles);
        long tile = (at & 1) == 0 ? at / 2 : _tiles - 1 - (at / 2);
        int head = (int)group * _kvHeads;
        int* pages = a.PageTable + (a.QSeq[_starts[tile]] * shape.Columns);
        return new AttentionTile(
            _starts[tile], _starts[tile + 1] - _starts[tile], head, Math.Min(_kvHeads, shape.KvHeads - head), shape.Group, pages);
    }

    /// <summary>The record of a chunk.</summary>
    public readonly float* Record(long token, long head, long chunk) =>
        _records + (((((token * _heads) + head) * Chunks) + chunk - FirstChunk) * _record);

    private void CutTokens(AttentionShape shape, in AttentionArguments a)
    {
        FirstChunk = long.MaxValue;
        int most = Math.Max(1, AttentionScratch.Rows(shape) / shape.Group);
        for (int t = 0, begin = 0; t < a.Tokens; t++)
        {
            if (t == 0 || a.QSeq[t] != a.QSeq[t - 1] || t - begin == most)
            {
                begin = t;
                _starts[_tiles++] = t;
            }

            _longestTile = Math.Max(_longestTile, t + 1 - begin);
            Longest = Math.Max(Longest, a.QPos[t] + 1L);
            FirstChunk = Math.Min(FirstChunk, shape.First(a.QPos[t]) / AttentionShape.Chunk);
        }

        _starts[_tiles] = (int)a.Tokens;
        Chunks = ((Longest - 1) / AttentionShape.Chunk) + 1 - FirstChunk;
    }

    private readonly long TileUnits(AttentionShape shape) => _tiles * ((((long)shape.KvHeads - 1) / _kvHeads) + 1);

    private static long StartBytes(long tokens) =>
        checked((((tokens + 1) * sizeof(int)) + CpuBuffer.Alignment - 1) / CpuBuffer.Alignment * CpuBuffer.Alignment);

    /// <summary>Bytes of the records of a token over so many entries.</summary>
    private static long TokenBytes(AttentionShape shape, AttentionLayout layout, long entries)
    {
        long chunks = ((entries - 1) / AttentionShape.Chunk) + 1;
        return checked(chunks * shape.Heads * layout.Record * sizeof(float));
    }
}
