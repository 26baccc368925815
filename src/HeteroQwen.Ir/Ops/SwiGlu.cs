using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>swiglu(gate, up)</c>: y = silu(gate) * up, element by element.</summary>
public sealed class SwiGlu : OpDefinition
{
    public static SwiGlu Instance { get; } = new();

    public override string Name => "swiglu";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["gate", "up"];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands, no attributes",
        "both are f32 of one shape",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 2, 2, attributes);
        Require(operands[0].Element == ElementType.F32 && operands[0] == operands[1], 2, $"{operands[0]} and {operands[1]}");
        return [operands[0]];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes) =>
        [builder.Binary("mul", builder.Silu(operands[0]), operands[1])];

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        5.0 * operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value SwiGlu(this GraphBuilder builder, Value gate, Value up) =>
        builder.Emit(Ir.SwiGlu.Instance, [gate, up], Attributes.Empty)[0];
}
