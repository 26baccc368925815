using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary><c>swiglu</c>: y[i] = silu(gate[i]) * up[i]. Any strides of gate and up.</summary>
internal sealed unsafe class SwiGluKernel : CpuKernel
{
    private const long CostPerElement = 2;

    private readonly Walk _walk;
    private readonly Work _work;
    private readonly delegate*<float*, float*, float*, long, void> _row;

    public SwiGluKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(2 * Walk.Block))
    {
        _walk = new Walk(op.Results[0].Rank, 3);
        _work = Run;
        _row = SwiGluLoops.For(pool.Tier.Width());
        Info = Info with { InPlace = SameLayout(op) };
    }

    protected override Status Run(in Bindings bindings)
    {
        _walk.Set(Results[0].Dims, Operands[0].Strides, Operands[1].Strides, Results[0].Strides);
        Pool.Run(_work, _walk.Units, CostPerElement * _walk.UnitElements);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        float* scratch = Pool.Scratch(worker);
        for (long unit = begin; unit < end; unit++)
        {
            long count = _walk.Count(unit);
            float* gate = Part(0, unit, count, scratch);
            float* up = Part(1, unit, count, scratch + Walk.Block);
            _row(gate, up, (float*)Results[0].Data + _walk.Offset(2, unit), count);
        }
    }

    private float* Part(int operand, long unit, long count, float* scratch) => Widening.Row(
        ElementType.F32, (byte*)((float*)Operands[operand].Data + _walk.Offset(operand, unit)), _walk.Inner(operand), count, scratch);
}
