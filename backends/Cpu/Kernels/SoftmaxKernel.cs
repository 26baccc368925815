using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary><c>softmax</c>: y[i] = exp(x[i] - max) / sum of exp(x - max). A unit is a row. Any strides of x.</summary>
internal sealed unsafe class SoftmaxKernel : CpuKernel
{
    private const long CostPerElement = 2;

    private readonly Work _work;

    public SoftmaxKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(Most(op, 0, -1)))
    {
        _work = Run;
        Info = Info with { InPlace = SameLayout(op) };
    }

    /// <summary>Softmax of one row.</summary>
    public static void Row(float* x, float* y, long length)
    {
        float sum = Lanes.ExpSum(x, Lanes.Max(x, length), y, length);
        BinaryLoops.Vectors<float, Divide>((byte*)y, 1, (byte*)&sum, 0, (byte*)y, length);
    }

    protected override Status Run(in Bindings bindings)
    {
        long length = Operands[0].Last;
        Pool.Run(_work, Operands[0].Elements / length, CostPerElement * length);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        long length = Operands[0].Last;
        for (long row = begin; row < end; row++)
        {
            Row(Operands[0].FloatRow(row, Pool.Scratch(worker)), (float*)Results[0].Data + (row * length), length);
        }
    }
}
