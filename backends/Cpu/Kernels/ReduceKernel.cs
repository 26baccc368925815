using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>reduce</c>: y = sum or max over one axis of x[.., j, ..]. Any strides; a last axis that lies side by side is summed in lanes,
/// any other one by one in f64.
/// </summary>
internal sealed unsafe class ReduceKernel : CpuKernel
{
    private readonly Work _work;
    private readonly int _axis;
    private readonly bool _sums;

    public ReduceKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool)
    {
        _work = Run;
        _axis = (int)op.Attributes.Int64("axis");
        _sums = op.Attributes.Text("kind") == "sum";
    }

    protected override Status Run(in Bindings bindings)
    {
        Pool.Run(_work, Results[0].Elements, Operands[0].Dims[_axis]);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        TensorView x = Operands[0];
        (long count, long stride) = (x.Dims[_axis], x.Strides[_axis]);
        for (long unit = begin; unit < end; unit++)
        {
            long offset = 0;
            long rest = unit;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                if (axis != _axis)
                {
                    (rest, long i) = Math.DivRem(rest, x.Dims[axis]);
                    offset += i * x.Strides[axis];
                }
            }

            float* first = (float*)x.Data + offset;
            ((float*)Results[0].Data)[unit] = _sums ? Sum(first, count, stride) : Max(first, count, stride);
        }
    }

    private static float Sum(float* x, long count, long stride)
    {
        if (stride == 1)
        {
            return Lanes.Sum(x, count);
        }

        double sum = 0;
        for (long i = 0; i < count; i++)
        {
            sum += x[i * stride];
        }

        return (float)sum;
    }

    private static float Max(float* x, long count, long stride)
    {
        if (stride == 1)
        {
            return Lanes.Max(x, count);
        }

        float most = float.NegativeInfinity;
        for (long i = 0; i < count; i++)
        {
            most = MathF.Max(most, x[i * stride]);
        }

        return most;
    }
}
