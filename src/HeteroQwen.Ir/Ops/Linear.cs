using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>linear(x, weight[, bias])</c>: y[.., n] = sum over k of x[.., k] weight[n, k] (+ bias[n]), for a weight of any type.</summary>
public sealed class Linear : OpDefinition
{
    public static Linear Instance { get; } = new();

    public override string Name => "linear";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x", "weight", "bias..."];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands, or three with a bias; no attributes",
        "x is f32 [M, K] with K constant",
        "weight is a float or block-quantised type [P, K] with P constant",
        "bias is a float type [P]",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 2, 3, attributes);
        (TensorType x, TensorType weight) = (operands[0], operands[1]);
        Require(x.Element == ElementType.F32 && x.Rank == 2 && x.Shape.Last.IsConstant, 2, $"{x}");
        bool weighs = (weight.Element.IsFloat() || weight.Element.IsQuantized()) && weight.Rank == 2 && weight.Shape[0].IsConstant
            && weight.Shape[1] == x.Shape.Last;
        Require(weighs, 3, $"{weight} for {x}");
        Require(operands.Length == 2 || (operands[2].Element.IsFloat() && operands[2].Shape == new Shape(weight.Shape[0])), 4, $"{operands[^1]} for {weight}");
        return [new(ElementType.F32, x.Shape[0], weight.Shape[0])];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value product = builder.MatMul(operands[0], operands[1]);
        return [operands.Length == 2 ? product : builder.Binary("add", product, builder.AsType(operands[2], ElementType.F32))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        2.0 * operands[0].Shape.Elements(bindings) * operands[1].Shape[0].Resolve(bindings);
}

public static partial class GraphOps
{
    public static Value Linear(this GraphBuilder builder, Value x, Value weight, Value? bias = null) =>
        builder.Emit(Ir.Linear.Instance, bias is null ? [x, weight] : [x, weight, bias], Attributes.Empty)[0];
}
