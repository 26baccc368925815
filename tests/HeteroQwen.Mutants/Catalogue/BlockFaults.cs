using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Faults of reading a block-quantised weight.</summary>
internal static class BlockFaults
{
    /// <summary>Changes one block.</summary>
    public delegate void Change(Span<byte> block);

    /// <summary>Changes every block of a weight of the type; others stay.</summary>
    public static bool EachBlock(OpDescriptor op, int operand, ElementType type, Span<byte> bytes, Change change)
    {
        for (int at = 0; at < bytes.Length && op.Operands[operand].Element == type; at += type.BlockBytes())
        {
            change(bytes.Slice(at, type.BlockBytes()));
        }

        return op.Operands[operand].Element == type;
    }

    /// <summary>Every number of a Q4_0 block one more, up to the largest.</summary>
    public static void OneMore(Span<byte> block)
    {
        foreach (ref byte b in block[2..])
        {
            (int low, int high) = (b & 0xF, b >> 4);
            b = (byte)(Math.Min(15, low + 1) | (Math.Min(15, high + 1) << 4));
        }
    }
}
