using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>copy</c>: one walk for each operand, and for each piece of a large constant. Any strides, any first element.</summary>
internal sealed class CopyKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly Walk _walk = new(2, device.Tuning.Block);
    private readonly int _axis = op.Attributes.TryGet("axis", out AttributeValue axis) ? (int)axis.Int64 : -1;
    private readonly long[] _dims = new long[op.Results[0].Rank];
    private ClFunction? _function;

    protected override void Build()
    {
        (ElementType from, ElementType to) = (Op.Operands[0].Element, Op.Results[0].Element);
        string types = from == to ? $"-D MOVE={(from.BlockBytes() == 1 ? "uchar" : from.BlockBytes() == 2 ? "ushort" : "uint")}"
            : $"-D FROM={from.Name()} -D TO={to.Name()}";
        _function = Function("copy.cl", $"-D BLOCK={Tuning.Block} {types}", "copy", Tuning.Lanes);
    }

    protected override bool SplitsConstant(int operand) => true;

    protected override Status Enqueue(nint queue)
    {
        TensorSlot y = Results[0];
        long start = 0;
        foreach (TensorSlot x in Operands)
        {
            long to = y.Offset + (_axis < 0 ? 0 : start * y.Strides[_axis] * y.ElementBytes);
            start += _axis < 0 ? 0 : x.Dims[_axis];
            for (int i = 0; i < x.PartCount; i++)
            {
                TensorPart part = x.Part(i);
                x.Dims.CopyTo(_dims, 0);
                if (x.Rank > 0)
                {
                    _dims[0] = part.Rows;
                }

                long first = x.Rank > 0 ? part.First * y.Strides[0] * y.ElementBytes : 0;
                _walk.Set(_dims, x.Strides, y.Strides);
                Status status = _walk.Arguments(_function!.Begin().Tensor(part).Tensor(y.Memory, to + first)).RunItems(queue, _walk.Units);
                if (!status.IsOk)
                {
                    return status;
                }
            }
        }

        return Status.Ok;
    }
}
