using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>matmul</c>, plain and indexed. Any strides.</summary>
internal sealed class MatMulKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private const int Slots = 8;

    /// <summary>BLOCK of the source.</summary>
    private const long Block = 8;

    private readonly long[] _batch = new long[Slots];
    private readonly long[] _stridesA = new long[Slots];
    private readonly long[] _stridesB = new long[Slots];
    private readonly long[] _groups = new long[Slots];
    private ClFunction? _function;

    protected override void Build() => _function = Function(
        "matmul.cl",
        $"-D A={Op.Operands[0].Element.Name()} -D B={Op.Operands[1].Element.Name()}{(Operands.Length == 3 ? " -D INDEXED" : "")}",
        Operands.Length == 3 ? "indexed" : "matmul",
        Tuning.Lanes);

    protected override Status Enqueue(nint queue) => Operands.Length == 3 ? Indexed(queue) : Plain(queue);

    private Status Plain(nint queue)
    {
        (TensorSlot a, TensorSlot b, TensorSlot y) = (Operands[0], Operands[1], Results[0]);
        for (int slot = 0; slot < Slots; slot++)
        {
            int axis = a.Rank - 3 - slot;
            bool there = axis >= 0;
            (_batch[slot], _groups[slot]) = there ? (a.Dims[axis], a.Dims[axis] / b.Dims[axis]) : (1, 1);
            (_stridesA[slot], _stridesB[slot]) = there ? (a.Strides[axis], b.Strides[axis]) : (0, 0);
        }

        (long n, long k) = (b.Dims[^2], a.Last);
        long items = y.Elements / n * ((n + Block - 1) / Block);
        return _function!.Begin().Tensor(a).Tensor(b).Tensor(y).Long(items).Long(a.Dims[^2]).Long(n).Long(k)
            .Long8(_batch).Long8(_stridesA).Long8(_stridesB).Long8(_groups)
            .Long4(a.Strides[^2], a.Strides[^1], b.Strides[^2], b.Strides[^1]).RunItems(queue, items);
    }

    private Status Indexed(nint queue)
    {
        (TensorSlot a, TensorSlot b, TensorSlot index) = (Operands[0], Operands[1], Operands[2]);
        (long n, long choices) = (b.Dims[1], index.Dims[1]);
        long items = index.Elements * ((n + Block - 1) / Block);
        return _function!.Begin().Tensor(a).Tensor(b).Tensor(index).Tensor(Results[0])
            .Long(items).Long(choices).Long(b.Dims[0]).Long(n).Long(a.Last)
            .Long4(a.Strides[0], a.Rank == 3 ? a.Strides[1] : 0, a.Strides[^1], 0)
            .Long4(b.Strides[0], b.Strides[1], b.Strides[2], 0).RunItems(queue, items);
    }
}
