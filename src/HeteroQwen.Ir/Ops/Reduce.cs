using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>reduce(x; kind, axis)</c>: <c>sum</c> or <c>max</c> over one axis, which stays with dimension 1. Of nothing: 0 and -inf, filled
/// by the runtime.
/// </summary>
public sealed class Reduce : OpDefinition
{
    public static Reduce Instance { get; } = new();

    public override string Name => "reduce";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; kind is a string, axis an integer",
        "kind is sum or max",
        "x is f32",
        "axis is an axis of x",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("kind", AttributeKind.String), ("axis", AttributeKind.Int64));
        TensorType x = operands[0];
        long axis = attributes.Int64("axis");
        Require(attributes.Text("kind") is "sum" or "max", 2, attributes.Text("kind"));
        Require(x.Element == ElementType.F32, 3, $"{x}");
        Require(axis >= 0 && axis < x.Rank, 4, $"axis {axis} of {x}");
        return [new(x.Element, x.Shape.WithAxis((int)axis, 1))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value Reduce(this GraphBuilder builder, string kind, Value x, int axis) =>
        builder.Emit(Ir.Reduce.Instance, [x], new(("kind", kind), ("axis", (long)axis)))[0];
}
