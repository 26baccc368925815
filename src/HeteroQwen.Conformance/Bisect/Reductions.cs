using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
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
        Operands = [.. op.Operands.Select((o, i) => i == 0 ? o : Rows(o, 0, first, end, end - first, op.Bindings))],
    };

    /// <summary>A gather whose table holds only the rows that are read; null if the table is small already.</summary>
    public static SingleOp? UsedRows(SingleOp op)
    {
        (OpTensor table, OpTensor index) = (op.Operands[0], op.Operands[1]);
        int[] wanted = MemoryMarshal.Cast<byte, int>(index.Data).ToArray();
        int[] used = [.. wanted.Distinct()];
        if (used.Length >= table.Type.Shape[0].Resolve(op.Bindings) || used.Length == 0)
        {
            return null;
        }

        OpTensor[] rows = [.. used.Select(r => Rows(table, 0, r, r + 1, 1, op.Bindings))];
        int[] renamed = [.. wanted.Select(w => Array.IndexOf(used, w))];
        OpTensor compact = new(
            table.Type with { Shape = table.Type.Shape.WithAxis(0, used.Length) }, table.Role, [.. rows.SelectMany(r => r.Data)]);
        return op with { Operands = [compact, index with { Data = MemoryMarshal.AsBytes(renamed.AsSpan()).ToArray() }] };
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

    /// <summary>Rows [first, end) of an axis, which is then of size <paramref name="dim"/>.</summary>
    public static OpTensor Rows(OpTensor tensor, int axis, long first, long end, Dim dim, Bindings bindings)
    {
        long[] dims = Plain.Resolve(tensor.Type.Shape, bindings);
        long inner = axis == dims.Length - 1
            ? tensor.Type.Element.BlockBytes()
            : tensor.Type.Element.Bytes(Plain.Product(dims.AsSpan(axis + 1)));
        long outer = Plain.Product(dims.AsSpan(0, axis));
        byte[] rows = new byte[checked(outer * (end - first) * inner)];
        for (long i = 0; i < outer; i++)
        {
            int length = (int)((end - first) * inner);
            Read(tensor, ((i * dims[axis]) + first) * inner, rows.AsSpan((int)i * length, length));
        }

        return tensor with { Type = tensor.Type with { Shape = tensor.Type.Shape.WithAxis(axis, dim) }, Data = rows, Source = null };
    }

    private static unsafe void Read(OpTensor tensor, long start, Span<byte> to)
    {
        if (tensor.Source is null)
        {
            tensor.Data.AsSpan(checked((int)start), to.Length).CopyTo(to);
            return;
        }

        fixed (byte* destination = to)
        {
            tensor.Source.Read(start, (nint)destination, to.Length);
        }
    }

    private static OpTensor Cut(OpTensor tensor, Dim symbol, long first, long end, Bindings bindings)
    {
        for (int axis = 0; axis < tensor.Type.Rank; axis++)
        {
            if (tensor.Type.Shape[axis] == symbol)
            {
                return Rows(tensor, axis, first, end, symbol, bindings);
            }
        }

        return tensor;
    }

    /// <summary>After fewer tokens of the one sequence: entries up to the last of them.</summary>
    private static SingleOp WithEntries(SingleOp op)
    {
        int first = op.Op is Attention ? 3 : BlockIndex;
        ReadOnlySpan<int> positions = MemoryMarshal.Cast<byte, int>(op.Operands[first + 1].Data);
        int entries = positions[^1] + 1;
        Bindings before = op.Bindings;
        ImmutableArray<OpTensor> operands = [.. op.Operands.Select(o => Cut(o, Dim.N, 0, entries, before))];
        operands = operands.SetItem(first + 2, Starts(operands[first + 2], positions.Length));
        operands = operands.SetItem(first + 3, Starts(operands[first + 3], entries));
        return op with { Operands = operands, Bindings = before with { N = entries } };
    }

    private static OpTensor Starts(OpTensor tensor, int end) => tensor with { Data = MemoryMarshal.AsBytes([0, end]).ToArray() };

    private static Bindings Bind(Bindings bindings, Dim symbol, long value) =>
        symbol == Dim.T ? bindings with { T = value }
        : symbol == Dim.N ? bindings with { N = value }
        : bindings with { R = value };
}
