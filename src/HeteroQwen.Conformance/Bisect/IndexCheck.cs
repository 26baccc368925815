using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Whether the indices of an op are what the IR promises a device, which follows them wherever they lead.</summary>
internal static class IndexCheck
{
    private const int BlockWriteSlot = 12;

    /// <summary>What is wrong with the indices; null if nothing is.</summary>
    public static string? Fault(SingleOp op) => op.Op switch
    {
        GatherRows => OutOfRange(op, 1, 0),
        ScatterRows => OutOfRange(op, 1, 0) ?? Repeated(op, 1),
        MatMul when op.Operands.Length == 3 => OutOfRange(op, 2, 1),
        MoeFfn => OutOfRange(op, 2, 3),
        Attention => Entries(op, 3, 1),
        AttentionBlock => OutOfRange(op, BlockWriteSlot, 10) ?? Repeated(op, BlockWriteSlot) ?? Entries(op, BlockWriteSlot + 1, 10),
        _ => null,
    };

    private static string? OutOfRange(SingleOp op, int index, int table)
    {
        long rows = op.Operands[table].Type.Shape[0].Resolve(op.Bindings);
        return Ints(op, index).Any(i => i < 0 || i >= rows) ? $"an index of {SingleOp.NameOf(index)} is not from 0 to {rows - 1}" : null;
    }

    private static string? Repeated(SingleOp op, int index) =>
        Ints(op, index) is var all && all.Distinct().Count() < all.Length ? $"an index of {SingleOp.NameOf(index)} is there twice" : null;

    /// <summary>Tokens sequence by sequence, the last entries of each; entries from position 0 on in the slots of the page table.</summary>
    private static string? Entries(SingleOp op, int first, int state)
    {
        int[][] given = [.. Enumerable.Range(first, 8).Select(i => Ints(op, i))];
        (int[] tokens, int[] entries, int[] table) = (given[2], given[3], given[4]);
        long page = op.Attributes.Int64("page");
        long pages = op.Operands[state].Type.Shape[0].Constant / page;
        int columns = (int)op.Operands[first + 4].Type.Shape[1].Constant;
        if (table.Any(p => p < 0 || p >= pages) || tokens[0] != 0 || entries[0] != 0
            || tokens[^1] != op.Bindings.T || entries[^1] != op.Bindings.N)
        {
            return "page_table, q_start or kv_start leads out of its tensors";
        }

        List<int>[] wanted = [[], [], [], [], []];
        for (int b = 0; b < op.Bindings.B; b++)
        {
            (long own, long seen) = ((long)tokens[b + 1] - tokens[b], (long)entries[b + 1] - entries[b]);
            if (own < 0 || seen < own || seen > columns * page || wanted[2].Count + seen > op.Bindings.N)
            {
                return "q_start and kv_start do not fit each other";
            }

            for (int i = 0; i < seen; i++)
            {
                wanted[2].Add((int)((table[(b * columns) + (i / page)] * page) + (i % page)));
                wanted[3].Add(b);
                wanted[4].Add(i);
            }

            for (long i = seen - own; i < seen; i++)
            {
                wanted[0].Add(b);
                wanted[1].Add((int)i);
            }
        }

        int[][] rest = [given[0], given[1], given[5], given[6], given[7]];
        return rest.Zip(wanted).All(p => p.First.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(p.Second)))
            ? null : "q_seq, q_pos, kv_slot, kv_seq and kv_pos are not those of q_start, kv_start and page_table";
    }

    private static int[] Ints(SingleOp op, int operand) => MemoryMarshal.Cast<byte, int>(op.Operands[operand].Data).ToArray();
}
