namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// Neighbouring tokens of one sequence under some kv heads. For each of these heads, the query heads of all tokens, token by token, are
/// rows that share its entries.
/// </summary>
internal readonly unsafe struct AttentionTile(long token, int tokens, int kvHead, int kvHeads, int group, int* pages)
{
    public readonly long Token = token;
    public readonly int Tokens = tokens;
    public readonly int KvHead = kvHead;
    public readonly int KvHeads = kvHeads;
    public readonly int* Pages = pages;

    /// <summary>Rows of one kv head.</summary>
    public int HeadRows => Tokens * group;

    public int Rows => HeadRows * KvHeads;

    /// <summary>Which of the tile's tokens a row belongs to.</summary>
    public int TokenOf(int row) => row % HeadRows / group;

    /// <summary>Which of all query heads a row belongs to.</summary>
    public int HeadOf(int row) => ((KvHead + (row / HeadRows)) * group) + (row % group);
}

/// <summary>The memory of a worker for one tile.</summary>
internal readonly unsafe struct AttentionScratch
{
    /// <summary>Rows of a tile at the most, unless a single token has more.</summary>
    private const int UsualRows = 64;

    /// <summary>Floats of entries that are widened at a time, unless a few have more: they stay in the second-level cache.</summary>
    private const long UsualEntries = 16384;

    private const int Least = 4;

    public readonly float* Q;
    public readonly float* Weights;
    public readonly float* Chunks;
    public readonly float* Totals;
    public readonly float* Entries;
    public readonly int* Low;
    public readonly int* High;

    public AttentionScratch(float* memory, AttentionShape shape, AttentionLayout layout)
    {
        long rows = Rows(shape);
        Chunks = memory;
        Totals = Chunks + (rows * layout.Record);
        Weights = Totals + (rows * layout.Record);
        Entries = Weights + (rows * AttentionShape.Chunk);
        Q = Entries + EntryFloats(layout);
        Low = (int*)(Q + (rows * layout.Row));
        High = Low + rows;
    }

    /// <summary>Rows that fit.</summary>
    public static int Rows(AttentionShape shape) => Math.Max(UsualRows, shape.Group);

    /// <summary>Entries of so many kv heads that are widened at a time; whole tiles of scores.</summary>
    public static int EntriesAtOnce(AttentionLayout layout, int kvHeads) =>
        (int)Math.Min(AttentionShape.Chunk, EntryFloats(layout) / (layout.Sums * kvHeads) / Least * Least);

    /// <summary>Kv heads of which at least a tile of entries fits.</summary>
    public static int MostKvHeads(AttentionLayout layout) => (int)Math.Min(int.MaxValue, EntryFloats(layout) / (Least * layout.Sums));

    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long Bytes(AttentionShape shape, AttentionLayout layout)
    {
        long row = checked((2 * layout.Record) + AttentionShape.Chunk + layout.Row + 2);
        return checked(((Rows(shape) * row) + EntryFloats(layout)) * sizeof(float));
    }

    private static long EntryFloats(AttentionLayout layout) => Math.Max(UsualEntries, checked(Least * layout.Sums));
}
