using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>What a step does instead of launching its kernel, where there is nothing to compute.</summary>
internal enum EmptyAction
{
    Launch,
    Skip,
    Fill,
}

/// <summary>A step with its kernel and its arguments, which are made once and rewritten when the bindings change.</summary>
internal sealed class PreparedLaunch
{
    private readonly int _operands;

    public PreparedLaunch(LaunchStep step, IKernel kernel, Func<string, nint> hostBytes)
    {
        Step = step;
        Kernel = kernel;
        _operands = step.Constants.Length;
        Arguments = new Argument[step.Views.Length];
        for (int i = 0; i < Arguments.Length; i++)
        {
            Arguments[i].Strides = new long[step.Views[i]?.Dims.Length ?? 0];
            bool asksHost = i < _operands && (kernel.Info.HostOperands >> i & 1) != 0 && step.Inputs[i] is not null;
            Arguments[i].HostBytes = asksHost ? hostBytes(step.Inputs[i]!) : 0;
        }
    }

    public LaunchStep Step { get; }

    public IKernel Kernel { get; }

    public Argument[] Arguments { get; }

    public EmptyAction Action { get; private set; }

    /// <summary>What a reduction or product over nothing is filled with.</summary>
    public uint Pattern => Step.Definition is Reduce && Step.Descriptor.Attributes.Text("kind") == "max"
        ? BitConverter.SingleToUInt32Bits(float.NegativeInfinity)
        : 0;

    public TensorView Result(int index) => Step.Views[_operands + index]!;

    /// <summary>Time and runs, where the session keeps them.</summary>
    public long Ticks { get; set; }

    public long Runs { get; set; }

    public void Bind(in Bindings bindings)
    {
        for (int i = 0; i < Arguments.Length; i++)
        {
            TensorView? view = Step.Views[i];
            if (view is null || (i < _operands && !LaunchStep.Reads(Kernel.Info, i)))
            {
                continue;
            }

            ref Argument argument = ref Arguments[i];
            argument.Buffer = view.Storage.Buffer;
            argument.Offset = view.Storage.Offset + StartBytes(view, bindings);
            for (int axis = 0; axis < argument.Strides.Length; axis++)
            {
                argument.Strides[axis] = view.Strides[axis].Resolve(bindings);
            }
        }

        Action = ActionFor(bindings);
    }

    private static long StartBytes(TensorView view, in Bindings bindings) =>
        view.Starts.IsEmpty ? 0 : view.Storage.Type.Element.Bytes(view.Start(bindings));

    /// <summary>No kernel sees a dimension of 0.</summary>
    private EmptyAction ActionFor(in Bindings bindings)
    {
        OpDescriptor op = Step.Descriptor;
        bool emptyOperand = AnyEmpty(op.Operands, bindings);
        if (AnyEmpty(op.Results, bindings) || (emptyOperand && Step.Definition.StateUpdates.Length > 0))
        {
            return EmptyAction.Skip;
        }

        return !emptyOperand ? EmptyAction.Launch
            : Step.Definition is Reduce or MatMul ? EmptyAction.Fill
            : throw new InvalidOperationException($"{Step.Label} = {op} has an empty operand and a result that is not");
    }

    private static bool AnyEmpty(System.Collections.Immutable.ImmutableArray<TensorDescriptor> tensors, in Bindings bindings)
    {
        foreach (TensorDescriptor tensor in tensors)
        {
            if (tensor.Elements(bindings) == 0)
            {
                return true;
            }
        }

        return false;
    }
}
