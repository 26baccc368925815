using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// <c>moe_ffn</c> in fast. Each token's row is prepared once (a unit is a row); the rest is <see cref="ExpertKernel"/>'s. Any strides of x.
/// <para>Workspace: prepared rows of x, then the experts'.</para>
/// </summary>
internal sealed unsafe class PackedMoeFfnKernel : ExpertKernel
{
    private const int X = 0, Routed = 1, Index = 2, FirstWeight = 3;

    private readonly Work _fill;
    private readonly PreparedRows _rows;

    public PackedMoeFfnKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, FirstWeight, op.Operands[Index].Dims[1].Constant)
    {
        _fill = Fill;
        _rows = new PreparedRows(Hidden, Gate.Product, Up.Product);
        EnsureScratch(ExpertScratch);
        Info = PackedInfo([]);
    }

    protected override long WorkspaceBytes(in Bindings bindings)
    {
        long tokens = Op.Operands[X].Dim(0, bindings);
        return checked(_rows.Bytes(tokens) + ExpertBytes(tokens));
    }

    protected override Status Run(in Bindings bindings)
    {
        Status status = CheckIndices(Index, Gate.Matrices);
        if (status.IsOk)
        {
            int tokens = checked((int)Operands[X].Dims[0]);
            _rows.Bind(tokens, Workspace, tokens * K);
            Pool.Run(_fill, tokens, Hidden);
            Launched launch = new(
                tokens, (int*)Operands[Index].Data, (float*)Operands[Routed].Data, _rows, null, (float*)Results[0].Data);
            RunExperts(launch, Workspace + _rows.Bytes(tokens));
        }

        return status;
    }

    private void Fill(int worker, long begin, long end)
    {
        for (long row = begin; row < end; row++)
        {
            _rows.Fill(row, Operands[X].FloatRow(row, (float*)OwnScratch(worker)));
        }
    }
}
