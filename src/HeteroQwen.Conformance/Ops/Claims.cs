using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>What a device says of an op before anything is prepared.</summary>
internal static class Claims
{
    /// <summary>Why the device does not run the op as it is laid out; null if it says that it does.</summary>
    public static string? Refusal(IDevice device, OpSpec spec, IReadOnlyList<OpTensor> operands, OpDescriptor descriptor)
    {
        if (!device.Capabilities.Precisions.Contains(descriptor.Precision))
        {
            return $"precision {descriptor.Precision.ToString().ToLowerInvariant()} is not offered";
        }

        RefusedException.Check("supports", device.Supports(Dense(descriptor), out Support support));
        if (!support.IsSupported)
        {
            string reason = support.Reason ?? "no reason given";
            return spec.Op.Class >= OpClass.Inner && Opens(device, spec.Op, descriptor)
                ? $"{reason}; its decomposition runs on the device" : reason;
        }

        for (int i = 0; i < operands.Count; i++)
        {
            if (operands[i].Strides is not null && (support.StridedOperands >> i & 1) == 0)
            {
                return $"operand {i} is taken dense only; lowering copies views for it";
            }
        }

        return null;
    }

    private static OpDescriptor Dense(OpDescriptor descriptor) =>
        descriptor with { Operands = [.. descriptor.Operands.Select(o => o with { Strided = false })] };

    /// <summary>True if the device runs each op of the decomposition, kept or decomposed in turn.</summary>
    private static bool Opens(IDevice device, OpDefinition op, OpDescriptor descriptor)
    {
        GraphBuilder aside = new("aside");
        ImmutableArray<Value> standIns = [.. descriptor.Operands.Select((o, i) => Declare(aside, $"o{i}", o))];
        op.Decompose(aside, standIns, descriptor.Attributes);
        return aside.Build().Operations.All(inner =>
        {
            if (inner.Definition.Class == OpClass.View)
            {
                return true;
            }

            OpDescriptor offer = Describe(inner, descriptor);
            RefusedException.Check("supports", device.Supports(offer, out Support support));
            return support.IsSupported || (inner.Definition.Class >= OpClass.Inner && Opens(device, inner.Definition, offer));
        });
    }

    private static Value Declare(GraphBuilder builder, string name, TensorDescriptor type)
    {
        TensorType tensor = new(type.Element, type.Dims.AsSpan());
        return type.Role switch
        {
            TensorRole.Constant => builder.Constant(name, tensor),
            TensorRole.State => builder.State(name, tensor),
            _ => builder.Input(name, tensor),
        };
    }

    private static OpDescriptor Describe(Operation operation, OpDescriptor outer)
    {
        static TensorRole Role(Value value) => value.State is not null ? TensorRole.State
            : value.Kind == ValueKind.Constant ? TensorRole.Constant
            : value.Kind == ValueKind.Input ? TensorRole.Input
            : TensorRole.Result;
        TensorDescriptor Of(Value value) => new(value.Type.Element, value.Type.Shape.Dims, Role(value), false);
        return new(operation.Definition.Name, operation.Attributes, [.. operation.Operands.Select(Of)], [.. operation.Results.Select(Of)],
            outer.Maxima, outer.Precision);
    }
}
