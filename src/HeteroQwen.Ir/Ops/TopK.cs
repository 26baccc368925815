using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>top_k(x; k)</c>: the k largest of the last axis, in descending order, and their indices: distinct and in range whatever the
/// input; ties go to the lower index. A NaN is taken as the least of all.
/// </summary>
public sealed class TopK : OpDefinition
{
    public static TopK Instance { get; } = new();

    public override string Name => "top_k";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; k is an integer",
        "x is f32 of at least one dimension, the last a constant",
        "1 <= k <= the last dimension",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("k", AttributeKind.Int64));
        TensorType x = operands[0];
        long k = attributes.Int64("k");
        Require(x.Element == ElementType.F32 && x.Rank >= 1 && x.Shape.Last.IsConstant, 2, $"{x}");
        Require(k >= 1 && k <= x.Shape.Last.Constant, 3, $"k = {k} of {x}");
        Shape shape = x.Shape.Outer.Append(k);
        return [new(ElementType.F32, shape), new(ElementType.I32, shape)];
    }
}

public static partial class GraphOps
{
    public static (Value Values, Value Indices) TopK(this GraphBuilder builder, Value x, long k)
    {
        ImmutableArray<Value> results = builder.Emit(Ir.TopK.Instance, [x], new(("k", k)));
        return (results[0], results[1]);
    }
}
