using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>moe_route(logits; k, renormalise)</c>: softmax over all experts, then the k largest (ties to the lower index), and with
/// renormalise = 1 their weights divided by their sum.
/// </summary>
public sealed class MoeRoute : OpDefinition
{
    public static MoeRoute Instance { get; } = new();

    public override string Name => "moe_route";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["logits"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; k and renormalise are integers",
        "logits is f32 [M, E] with E constant",
        "1 <= k <= E; renormalise is 0 or 1",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("k", AttributeKind.Int64), ("renormalise", AttributeKind.Int64));
        TensorType logits = operands[0];
        Require(logits.Element == ElementType.F32 && logits.Rank == 2 && logits.Shape[1].IsConstant, 2, $"{logits}");
        Require(AreParameters(attributes, logits.Shape[1].Constant), 3, $"{attributes} for {logits}");
        Shape shape = new(logits.Shape[0], attributes.Int64("k"));
        return [new(ElementType.F32, shape), new(ElementType.I32, shape)];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        (Value weights, Value index) = builder.TopK(builder.Softmax(operands[0]), attributes.Int64("k"));
        return [attributes.Int64("renormalise") == 0 ? weights : builder.Binary("div", weights, builder.Reduce("sum", weights, 1)), index];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        5.0 * operands[0].Shape.Elements(bindings);

    internal static bool AreParameters(Attributes attributes, long experts) =>
        attributes.Int64("k") >= 1 && attributes.Int64("k") <= experts && attributes.Int64("renormalise") is 0 or 1;
}

public static partial class GraphOps
{
    public static (Value Weights, Value Index) MoeRoute(this GraphBuilder builder, Value logits, long k, long renormalise)
    {
        ImmutableArray<Value> results = builder.Emit(Ir.MoeRoute.Instance, [logits], new(("k", k), ("renormalise", renormalise)));
        return (results[0], results[1]);
    }
}
