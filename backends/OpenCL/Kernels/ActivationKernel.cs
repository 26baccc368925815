using System.Collections.Immutable;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>unary</c>, <c>silu</c> and <c>swiglu</c>. Any strides.</summary>
internal sealed class ActivationKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly Walk _walk = new(op.Operands.Length + 1, device.Tuning.Block);
    private ClFunction? _function;

    protected override void Build()
    {
        string name = Op.Name == "unary" ? Op.Attributes.Text("kind") : Op.Name;
        _function = Function(
            "activation.cl", $"-D BLOCK={Tuning.Block}", name is "exp" or "rsqrt" ? $"{name}_" : name, Tuning.Lanes);
    }

    protected override ImmutableArray<(int Operand, int Result)> InPlace() => SameLayout();

    protected override Status Enqueue(nint queue)
    {
        (TensorSlot x, TensorSlot y) = (Operands[0], Results[0]);
        ClFunction function = _function!.Begin().Tensor(x);
        if (Operands.Length == 2)
        {
            _walk.Set(y.Dims, x.Strides, Operands[1].Strides, y.Strides);
            function.Tensor(Operands[1]);
        }
        else
        {
            _walk.Set(y.Dims, x.Strides, y.Strides);
        }

        return _walk.Arguments(function.Tensor(y)).RunItems(queue, _walk.Units);
    }
}
