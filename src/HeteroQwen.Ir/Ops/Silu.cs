using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>silu(x)</c>: y = x / (1 + exp(-x)), element by element.</summary>
public sealed class Silu : OpDefinition
{
    public static Silu Instance { get; } = new();

    public override string Name => "silu";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand, no attributes",
        "x is f32",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes);
        Require(operands[0].Element == ElementType.F32, 2, $"{operands[0]}");
        return [operands[0]];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value x = operands[0];
        Value denominator = builder.Binary("add", builder.Unary("exp", builder.Unary("neg", x)), 1.0);
        return [builder.Binary("mul", x, builder.Unary("reciprocal", denominator))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        4.0 * operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value Silu(this GraphBuilder builder, Value x) => builder.Emit(Ir.Silu.Instance, [x], Attributes.Empty)[0];
}
