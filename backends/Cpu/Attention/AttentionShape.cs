using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>What stays the same from launch to launch.</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Heads of K and V, a divisor of the query heads.</param>
/// <param name="HeadDim">Elements of a head.</param>
/// <param name="State">Element type of K and V, which are [slots, KvHeads, HeadDim].</param>
/// <param name="Page">Slots of a page.</param>
/// <param name="Columns">Columns of the page table.</param>
/// <param name="Window">Entries that a token sees at the most; 0 for all.</param>
/// <param name="Scale">Factor of the scores.</param>
internal sealed record AttentionShape(
    int Heads, int KvHeads, int HeadDim, ElementType State, long Page, long Columns, long Window, float Scale)
{
    /// <summary>
    /// Entries of a chunk. Chunks begin at multiples of it, counted from position 0 of the sequence: what is summed with what depends on
    /// positions alone.
    /// </summary>
    public const int Chunk = 128;

    /// <summary>Query heads that share a head of K and V.</summary>
    public int Group => Heads / KvHeads;

    /// <summary>The first position that the token at a position sees.</summary>
    public long First(long position) => Window == 0 ? 0 : Math.Max(0, position - Window + 1);
}

/// <summary>How rows lie in scratch and workspace for a width of vectors, in floats.</summary>
internal readonly struct AttentionLayout(AttentionShape shape, SimdWidth width)
{
    /// <summary>Columns that are summed side by side, in vectors.</summary>
    public const int ColumnVectors = 4;

    /// <summary>After the sums of a record: the largest score, and the sum of the weights.</summary>
    private const int Tail = CpuBuffer.Alignment / sizeof(float);

    /// <summary>A row of q or k: the head, zeros up to a whole vector.</summary>
    public readonly long Row = Up(shape.HeadDim, (long)width);

    /// <summary>Columns of a row of v or of sums.</summary>
    public readonly long Sums = Up(shape.HeadDim, ColumnVectors * (long)width);

    /// <summary>What a row has gathered over chunks: weighted sums of v, then the largest score, then the sum of the weights.</summary>
    public long Record => Up(Sums, Tail) + Tail;

    private static long Up(long count, long multiple) => checked(count + multiple - 1) / multiple * multiple;
}
