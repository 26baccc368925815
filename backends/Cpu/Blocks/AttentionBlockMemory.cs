using HeteroQwen.Backends.Cpu.Attention;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>Where the parts of an attention block's workspace lie, each from a whole line of the cache on.</summary>
internal readonly unsafe struct AttentionBlockMemory
{
    /// <summary>[rows, heads, head dim]</summary>
    public readonly float* Q;

    /// <summary>What attention gives, laid out as q.</summary>
    public readonly float* Attended;

    /// <summary>[rows, kv heads, head dim]</summary>
    public readonly float* K;

    public readonly float* V;

    /// <summary>What is left for attention.</summary>
    public readonly byte* Rest;

    /// <summary>Lays out the workspace of a launch, prepared rows of input and output included.</summary>
    public AttentionBlockMemory(AttentionShape shape, PreparedRows input, PreparedRows output, int rows, byte* workspace)
    {
        input.Bind(rows, workspace, rows);
        byte* next = workspace + input.Bytes(rows);
        Q = (float*)next;
        Attended = (float*)(next += Bytes(shape.Heads, shape, rows));
        K = (float*)(next += Bytes(shape.Heads, shape, rows));
        V = (float*)(next += Bytes(shape.KvHeads, shape, rows));
        next += Bytes(shape.KvHeads, shape, rows);
        output.Bind(rows, next, rows);
        Rest = next + output.Bytes(rows);
    }

    /// <summary>Bytes before <see cref="Rest"/>; monotone.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long Bytes(AttentionShape shape, PreparedRows input, PreparedRows output, long rows) => checked(
        input.Bytes(rows) + (2 * Bytes(shape.Heads, shape, rows)) + (2 * Bytes(shape.KvHeads, shape, rows)) + output.Bytes(rows));

    private static long Bytes(long heads, AttentionShape shape, long rows) =>
        PackedKernel.Aligned(checked(rows * heads * shape.HeadDim * sizeof(float)));
}
