using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>matmul</c>, indexed: y[t, j, :] = a[t(, j), :] . b[index[t, j]]^T. A unit is four columns of one expert, for all its tokens.
/// Any strides of a.
/// </summary>
internal sealed unsafe class IndexedMatMulKernel : CpuKernel
{
    private readonly Work _work;
    private readonly ExpertGroups _groups;
    private ExpertRows _rows;

    public IndexedMatMulKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, RowBlocks.ScratchBytes(Most(op, 1, 2)))
    {
        _work = Run;
        _groups = new ExpertGroups(op.Operands[2].Elements(op.Maxima), Most(op, 1, 0));
    }

    protected override Status Run(in Bindings bindings)
    {
        (TensorView a, TensorView b, TensorView index) = (Operands[0], Operands[1], Operands[2]);
        Status status = CheckIndices(2, b.Dims[0]);
        if (!status.IsOk)
        {
            return status;
        }

        _groups.Sort((int*)index.Data, (int)index.Elements);
        _rows = new ExpertRows(a, null, 0, a.Rank == 2 ? (int)index.Dims[1] : 1);
        long units = _groups.Count * RowBlocks.Blocks(b.Dims[1]);
        Pool.Run(_work, units, _groups.Pairs * b.Dims[1] * b.Dims[2] / units / RowBlocks.ProductsPerCost);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        for (long unit = begin; unit < end; unit++)
        {
            _groups.Multiply(unit, Operands[1], _rows, (float*)Results[0].Data, Pool.Scratch(worker));
        }
    }
}
