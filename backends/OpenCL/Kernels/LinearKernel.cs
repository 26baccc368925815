using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>linear</c>: a launch for each piece of a large weight, which makes the columns that lie in it.</summary>
internal sealed class LinearKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly LinearFunction _linear = new(device, op.Operands[1].Element, op.Operands[0].Dims[^1].Constant);
    private ClFunction? _function;

    protected override void Build()
    {
        string bias = Operands.Length == 3 ? $" -D BIAS={Op.Operands[2].Element.Name()}" : "";
        _function = Function("linear.cl", _linear.Definitions + bias, "linear", Tuning.Lanes);
    }

    protected override bool SplitsConstant(int operand) => operand == 1;

    protected override Status Enqueue(nint queue)
    {
        (TensorSlot x, TensorSlot weight) = (Operands[0], Operands[1]);
        Status status = Status.Ok;
        for (int i = 0; i < weight.PartCount && status.IsOk; i++)
        {
            TensorPart part = weight.Part(i);
            ClFunction function = _function!.Begin().Tensor(x).Tensor(part);
            if (Operands.Length == 3)
            {
                function.Tensor(Operands[2]);
            }

            function.Tensor(Results[0]).Int(x.Dims[0]).Int(part.Rows).Int(x.Last).Long(weight.Element.Bytes(x.Last)).Int(weight.Dims[0]).Int(part.First);
            status = _linear.Panel(function).Run(queue, _linear.Groups(part.Rows));
        }

        return status;
    }
}
