using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>unary(x; kind)</c>, element by element: <c>neg</c> -x, <c>exp</c> e^x, <c>rsqrt</c> 1/sqrt(x), <c>reciprocal</c> 1/x.</summary>
public sealed class Unary : OpDefinition
{
    public static Unary Instance { get; } = new();

    public override string Name => "unary";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; kind is a string",
        "kind is neg, exp, rsqrt or reciprocal",
        "x is f32",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("kind", AttributeKind.String));
        Require(attributes.Text("kind") is "neg" or "exp" or "rsqrt" or "reciprocal", 2, attributes.Text("kind"));
        Require(operands[0].Element == ElementType.F32, 3, $"{operands[0]}");
        return [operands[0]];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value Unary(this GraphBuilder builder, string kind, Value x) =>
        builder.Emit(Ir.Unary.Instance, [x], new(("kind", kind)))[0];
}
