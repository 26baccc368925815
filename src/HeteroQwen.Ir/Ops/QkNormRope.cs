using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>qk_norm_rope(x, weight, cos, sin; eps)</c>: rope(rms_norm(x, weight; eps), cos, sin), each head normalised by itself.</summary>
public sealed class QkNormRope : OpDefinition
{
    public static QkNormRope Instance { get; } = new();

    public override string Name => "qk_norm_rope";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x", "weight", "cos", "sin"];

    public override ImmutableArray<string> Constraints =>
    [
        "four operands; eps is a double",
        "x is f32 [M, H, D] with D constant, even and above 0",
        "weight is a float type [D]",
        "cos and sin are f32 [M, D]",
        "eps is finite and not negative",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 4, 4, attributes, ("eps", AttributeKind.Float64));
        TensorType x = operands[0];
        Require(Ir.Rope.IsHeads(x), 2, $"{x}");
        Require(operands[1].Element.IsFloat() && operands[1].Shape == new Shape(x.Shape.Last), 3, $"{operands[1]} for {x}");
        TensorType angles = new(ElementType.F32, x.Shape[0], x.Shape[2]);
        Require(operands[2] == angles && operands[3] == angles, 4, $"{operands[2]} and {operands[3]} for {x}");
        Require(Ir.RmsNorm.IsEpsilon(attributes.Float64("eps")), 5, $"{attributes.Float64("eps")}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes) =>
        [builder.Rope(builder.RmsNorm(operands[0], operands[1], attributes.Float64("eps")), operands[2], operands[3])];

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        7.0 * operands[0].Shape.Elements(bindings);
}

public static partial class GraphOps
{
    public static Value QkNormRope(this GraphBuilder builder, Value x, Value weight, Value cos, Value sin, double eps) =>
        builder.Emit(Ir.QkNormRope.Instance, [x, weight, cos, sin], new(("eps", eps)))[0];
}
