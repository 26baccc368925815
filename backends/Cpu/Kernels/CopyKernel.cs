using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>copy</c>: casts, dequantises, makes contiguous, concatenates. Scalar equivalent: y[start + i] = (to)x[i] for each operand in
/// turn. Any strides, any first element.
/// </summary>
internal sealed unsafe class CopyKernel : CpuKernel
{
    private readonly Walk _walk;
    private readonly Work _work;
    private readonly int _axis;
    private TensorView _from;
    private byte* _to;

    public CopyKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(Walk.Block))
    {
        _walk = new Walk(op.Results[0].Rank, 2);
        _work = Run;
        _axis = op.Attributes.TryGet("axis", out AttributeValue axis) ? (int)axis.Int64 : -1;
        _from = Operands[0];
    }

    protected override Status Run(in Bindings bindings)
    {
        TensorView result = Results[0];
        long start = 0;
        foreach (TensorView operand in Operands)
        {
            _from = operand;
            _to = result.Data + (_axis < 0 ? 0 : start * result.Strides[_axis] * result.ElementBytes);
            _walk.Set(operand.Dims, operand.Strides, result.Strides);
            Pool.Run(_work, _walk.Units, Math.Max(1, _walk.UnitElements / 2));
            start += _axis < 0 ? 0 : operand.Dims[_axis];
        }

        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        TensorView result = Results[0];
        (long strideFrom, long strideTo) = (_walk.Inner(0), _walk.Inner(1));
        for (long unit = begin; unit < end; unit++)
        {
            byte* from = _from.Data + _from.Bytes(_walk.Offset(0, unit));
            byte* to = _to + (_walk.Offset(1, unit) * result.ElementBytes);
            long count = _walk.Count(unit);
            if (_from.Element == result.Element)
            {
                Move(result.ElementBytes, from, strideFrom, to, strideTo, count);
            }
            else
            {
                Cast(from, strideFrom, to, strideTo, count, Pool.Scratch(worker));
            }
        }
    }

    private void Cast(byte* from, long strideFrom, byte* to, long strideTo, long count, float* scratch)
    {
        ElementType type = Results[0].Element;
        float* wide = Widening.Row(_from.Element, from, strideFrom, count, scratch);
        if (strideTo == 1)
        {
            Widening.Narrow(type, wide, count, to);
            return;
        }

        for (long i = 0; i < count; i++)
        {
            Widening.Narrow(type, wide + i, 1, to + (i * strideTo * type.BlockBytes()));
        }
    }

    private static void Move(int bytes, byte* from, long strideFrom, byte* to, long strideTo, long count)
    {
        if (strideFrom == 1 && strideTo == 1)
        {
            Buffer.MemoryCopy(from, to, count * bytes, count * bytes);
            return;
        }

        switch (bytes)
        {
            case 1:
                MoveEach(from, strideFrom, to, strideTo, count);
                break;
            case 2:
                MoveEach((ushort*)from, strideFrom, (ushort*)to, strideTo, count);
                break;
            default:
                MoveEach((uint*)from, strideFrom, (uint*)to, strideTo, count);
                break;
        }
    }

    private static void MoveEach<T>(T* from, long strideFrom, T* to, long strideTo, long count)
        where T : unmanaged
    {
        for (long i = 0; i < count; i++)
        {
            to[i * strideTo] = from[i * strideFrom];
        }
    }
}
