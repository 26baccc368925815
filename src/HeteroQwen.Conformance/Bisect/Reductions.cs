using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Smaller ops made of one op: fewer rows, tokens, entries, outputs.</summary>
internal static class Reductions
{
    /// <summary>The first index operand of an attention_block.</summary>
    private const int BlockIndex = 13;

    /// <summary>Rows [first, end) of a linear's weight and bias.</summary>
    public static SingleOp WeightRows(SingleOp op, long first, long end) => op with
    {
        Operands = [.. op.Operands.Select((o, i) => i == 0 ? o : o.Rows(0, first, end, end - first, op.Bindings))],
    };

    /// <summary>A gather whose table holds only the rows that are read; null if the table is small already.</summary>
    public static SingleOp? UsedRows(SingleOp op)
    {
        (OpTensor table, OpTensor index) = (op.Operands[0], op.Operands[1].Dense(op.Bindings));
        int[] wanted = MemoryMarshal.Cast<byte, int>(index.Bytes).ToArray();
        int[] used = [.. wanted.Distinct()];
        if (used.Length >= table.Dims[0].Resolve(op.Bindings) || used.Length == 0)
        {
            return null;
        }

        OpTensor[] rows = [.. used.Select(r => table.Rows(0, r, r + 1, 1, op.Bindings))];
        int[] renamed = [.. wanted.Select(w => Array.IndexOf(used, w))];
        OpTensor compact = rows[0] with { Dims = rows[0].Dims.SetItem(0, used.Length), Bytes = [.. rows.SelectMany(r => r.Bytes)] };
        return op with { Operands = [compact, index with { Bytes = MemoryMarshal.AsBytes(renamed.AsSpan()).ToArray() }] };
    }

    /// <summary>Values [first, end) of a symbol.</summary>
    public static SingleOp Symbol(SingleOp op, Dim symbol, long first, long end)
    {
        Bindings bindings = Bind(op.Bindings, symbol, end - first);
        SingleOp smaller = op with
        {
            Operands = [.. op.Operands.Select(o => Cut(o, symbol, first, end, op.Bindings))],
            Bindings = bindings,
        };
        return op.Op is Attention or AttentionBlock && symbol == Dim.T ? WithEntries(smaller) : smaller;
    }

    private static OpTensor Cut(OpTensor tensor, Dim symbol, long first, long end, Bindings bindings)
    {
        for (int axis = 0; axis < tensor.Dims.Length; axis++)
        {
            if (tensor.Dims[axis] == symbol)
            {
                return tensor.Rows(axis, first, end, symbol, bindings);
            }
        }

        return tensor;
    }

    /// <summary>After fewer tokens of the one sequence: entries up to the last of them.</summary>
    private static SingleOp WithEntries(SingleOp op)
    {
        int first = op.Op is Attention ? 3 : BlockIndex;
        ReadOnlySpan<int> positions = MemoryMarshal.Cast<byte, int>(op.Operands[first + 1].Bytes);
        int entries = positions[^1] + 1;
        Bindings before = op.Bindings;
        ImmutableArray<OpTensor> operands = [.. op.Operands.Select(o => Cut(o, Dim.N, 0, entries, before))];
        operands = operands.SetItem(first + 2, Starts(operands[first + 2], positions.Length));
        operands = operands.SetItem(first + 3, Starts(operands[first + 3], entries));
        return op with { Operands = operands, Bindings = before with { N = entries } };
    }

    private static OpTensor Starts(OpTensor tensor, int end) => tensor with { Bytes = MemoryMarshal.AsBytes([0, end]).ToArray() };

    private static Bindings Bind(Bindings bindings, Dim symbol, long value) =>
        symbol == Dim.T ? bindings with { T = value }
        : symbol == Dim.N ? bindings with { N = value }
        : bindings with { R = value };
}
