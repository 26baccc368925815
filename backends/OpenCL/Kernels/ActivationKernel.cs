using System.Collections.Immutable;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>unary</c>, <c>silu</c> and <c>swiglu</c>. Any strides.</summary>
internal sealed class ActivationKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly Walk _walk = new(op.Operands.Length + 1, device.Tuning.Block);
    private ClFunction? _function;

    protected override void Build()
    {
        string kind = Op.Name == "unary" ? Op.Attributes.Text("kind") : "silu";
        _function = Function("activation.cl", DefinitionsOf(Tuning, kind, Op.Name == "swiglu"), "activation", Tuning.Lanes);
    }

    /// <summary>Build options of the source, which the experts' swiglu uses too.</summary>
    public static string DefinitionsOf(Tuning tuning, string kind, bool gates) =>
        $"-D BLOCK={tuning.Block} -D APPLY=apply_{kind}{(gates ? " -D GATES" : "")}";

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
