using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>gather_rows</c>: out[i, :] = table[index[i], :] as f32. A unit is a row of the result. Rows of a generated table are made when
/// they are asked for. Scratch: a row as the table has it.
/// </summary>
internal sealed unsafe class GatherRowsKernel : CpuKernel
{
    private readonly Work _work;

    public GatherRowsKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, constants is [{ Generator: not null }, ..] ? RowBytes(op) : 0) => _work = Run;

    protected override Status Run(in Bindings bindings)
    {
        TensorView table = Operands[0];
        Status status = CheckIndices(1, table.Dims[0]);
        if (status.IsOk)
        {
            Pool.Run(_work, Operands[1].Elements, table.Product(1, table.Rank) / 4);
        }

        return status;
    }

    private void Run(int worker, long begin, long end)
    {
        TensorView table = Operands[0];
        long length = table.Product(1, table.Rank);
        long bytes = table.Bytes(length);
        for (long i = begin; i < end; i++)
        {
            byte* row = table.Read(((int*)Operands[1].Data)[i] * bytes, bytes, Pool.Scratch(worker));
            Widening.Into(table.Element, row, 1, length, (float*)Results[0].Data + (i * length));
        }
    }

    private static long RowBytes(OpDescriptor op) => op.Operands[0].Element.Bytes(op.Operands[0].Product(1, op.Operands[0].Rank, op.Maxima));
}

/// <summary>
/// <c>scatter_rows</c>: state[index[i], :] = rows[i, :] in the state's type, in place. A unit is a block of columns of all rows, so
/// that where indices repeat (on the scrap page) the last row wins whatever the number of threads.
/// </summary>
internal sealed unsafe class ScatterRowsKernel : CpuKernel
{
    /// <summary>Whole blocks of every quantised type.</summary>
    private const long Columns = 256;

    private readonly Work _work;

    public ScatterRowsKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool) => _work = Run;

    protected override Status Run(in Bindings bindings)
    {
        TensorView state = Operands[0];
        if (Results[0].Data != state.Data)
        {
            return Status.InvalidArgument("cpu: scatter_rows: the result is not the state's own memory");
        }

        Status status = CheckIndices(1, state.Dims[0]);
        if (status.IsOk)
        {
            long length = state.Product(1, state.Rank);
            Pool.Run(_work, (length + Columns - 1) / Columns, Operands[1].Elements * Math.Min(Columns, length) / 4);
        }

        return status;
    }

    private void Run(int worker, long begin, long end)
    {
        TensorView state = Operands[0];
        long length = state.Product(1, state.Rank);
        long count = Operands[1].Elements;
        for (long i = 0; i < count; i++)
        {
            long row = ((int*)Operands[1].Data)[i];
            for (long unit = begin; unit < end; unit++)
            {
                long column = unit * Columns;
                float* from = (float*)Operands[2].Data + (i * length) + column;
                byte* to = state.Data + state.Bytes((row * length) + column);
                Widening.Narrow(state.Element, from, Math.Min(Columns, length - column), to);
            }
        }
    }
}
