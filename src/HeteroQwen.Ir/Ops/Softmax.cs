using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>softmax(x)</c>: y_i = exp(x_i - max_j x_j) / sum_j exp(x_j - max) over the last axis. At least one element of a row is finite;
/// elements of -inf give 0.
/// </summary>
public sealed class Softmax : OpDefinition
{
    public static Softmax Instance { get; } = new();

    public override string Name => "softmax";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand, no attributes",
        "x is f32 of at least one dimension",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes);
        Require(operands[0].Element == ElementType.F32 && operands[0].Rank >= 1, 2, $"{operands[0]}");
        return [operands[0]];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value x = operands[0];
        int axis = x.Type.Rank - 1;
        Value e = builder.Unary("exp", builder.Binary("sub", x, builder.Reduce("max", x, axis)));
        return [builder.Binary("div", e, builder.Reduce("sum", e, axis))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        5.0 * operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value Softmax(this GraphBuilder builder, Value x) => builder.Emit(Ir.Softmax.Instance, [x], Attributes.Empty)[0];
}
