using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>matmul</c>, plain and grouped, and <c>linear</c>: y[.., m, n] = sum over k of a[.., m, k] b[.., n, k] (+ bias[n]). A unit is
/// four columns n of one entry of the batch, for all m. Any strides of a and b; those that do not lie side by side, or are not
/// f32, pass through scratch.
/// </summary>
internal sealed unsafe class MatMulKernel : CpuKernel
{
    private readonly Work _work;
    private readonly NormWeight? _bias;
    private long _rows;
    private long _columns;
    private long _blocks;

    public MatMulKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, RowBlocks.ScratchBytes(Most(op, 0, -1)))
    {
        _work = Run;
        if (Operands.Length == 3)
        {
            _bias = new NormWeight(Operands[2], op.Operands[2]);
            Info = Info with
            {
                KeepsHostConstants = Operands[0].KeepsHostBytes || Operands[1].KeepsHostBytes,
                ConstantBytes = Info.ConstantBytes + _bias.Bytes,
            };
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _bias?.Dispose();
    }

    protected override Status Run(in Bindings bindings)
    {
        _bias?.Bind();
        (TensorView a, TensorView b) = (Operands[0], Operands[1]);
        _rows = a.Dims[a.Rank - 2];
        _columns = b.Dims[b.Rank - 2];
        _blocks = RowBlocks.Blocks(_columns);
        long cost = _rows * a.Last * Math.Min(_columns, RowBlock.Most) / RowBlocks.ProductsPerCost;
        Pool.Run(_work, a.Product(0, a.Rank - 2) * _blocks, cost);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        float* scratch = Pool.Scratch(worker);
        for (long unit = begin; unit < end; unit++)
        {
            (long batch, long block) = Math.DivRem(unit, _blocks);
            long column = block * RowBlock.Most;
            int count = (int)Math.Min(RowBlock.Most, _columns - column);
            RowBlock rows = RowBlocks.Load(Operands[1], (BatchOfB(batch) * _columns) + column, count, scratch);
            Multiply(rows, batch, column, scratch);
        }
    }

    private void Multiply(in RowBlock rows, long batch, long column, float* scratch)
    {
        TensorView a = Operands[0];
        long length = a.Last;
        float* first = RowBlocks.Activation(scratch, length, 0);
        float* second = RowBlocks.Activation(scratch, length, 1);
        float* y = (float*)Results[0].Data + (batch * _rows * _columns) + column;
        for (long m = 0; m < _rows; m += 2)
        {
            float* x = a.FloatRow((batch * _rows) + m, first);
            float* y2 = y + _columns;
            if (m + 1 < _rows)
            {
                Products.Two(rows, length, x, a.FloatRow((batch * _rows) + m + 1, second), y, y2);
                AddBias(column, rows.Count, y2);
            }
            else
            {
                Products.One(rows, length, x, y);
            }

            AddBias(column, rows.Count, y);
            y = y2 + _columns;
        }
    }

    private void AddBias(long column, int count, float* y)
    {
        for (int i = 0; _bias is not null && i < count; i++)
        {
            y[i] += _bias.Data[column + i];
        }
    }

    /// <summary>The entry of b's batch that an entry of a's meets: on each axis its index divided by the group.</summary>
    private long BatchOfB(long batch)
    {
        (TensorView a, TensorView b) = (Operands[0], Operands[1]);
        long entry = 0;
        long step = 1;
        for (int axis = a.Rank - 3; axis >= 0; axis--)
        {
            (batch, long i) = Math.DivRem(batch, a.Dims[axis]);
            entry += i / (a.Dims[axis] / b.Dims[axis]) * step;
            step *= b.Dims[axis];
        }

        return entry;
    }
}
