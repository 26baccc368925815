using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>rms_norm</c>: y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i], the mean in f64. A unit is a row. Any strides of x.
/// </summary>
internal sealed unsafe class RmsNormKernel : CpuKernel
{
    private readonly Work _work;
    private readonly NormWeight _weight;
    private readonly double _eps;

    public RmsNormKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(Most(op, 0, -1)))
    {
        _work = Run;
        _eps = op.Attributes.Float64("eps");
        _weight = new NormWeight(Operands[1], op.Operands[1]);
        Info = Info with
        {
            InPlace = SameLayout(op),
            KeepsHostConstants = Operands[0].KeepsHostBytes,
            ConstantBytes = Info.ConstantBytes + _weight.Bytes,
        };
    }

    /// <summary>Normalises one row.</summary>
    public static void Row(float* x, float* weight, double eps, float* y, long length)
    {
        double scale = 1 / Math.Sqrt((Lanes.SumOfSquares(x, length) / length) + eps);
        float narrow = (float)scale;
        if (float.IsNormal(narrow))
        {
            Lanes.Scale(x, narrow, y, length);
            BinaryLoops.Vectors<float, Multiply<float>>((byte*)y, 1, (byte*)weight, 1, (byte*)y, length);
            return;
        }

        // Rows of tiny or huge values: the factor leaves f32's range although the results do not.
        for (long i = 0; i < length; i++)
        {
            y[i] = (float)(x[i] * scale * weight[i]);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _weight.Dispose();
    }

    protected override Status Run(in Bindings bindings)
    {
        _weight.Bind();
        Pool.Run(_work, Operands[0].Elements / _weight.Length, _weight.Length);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        for (long row = begin; row < end; row++)
        {
            float* x = Operands[0].FloatRow(row, Pool.Scratch(worker));
            Row(x, _weight.Data, _eps, (float*)Results[0].Data + (row * _weight.Length), _weight.Length);
        }
    }
}
