using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>rms_norm(x, weight; eps)</c>: y_i = x_i / sqrt(mean_j(x_j^2) + eps) * weight_i over the last axis.</summary>
public sealed class RmsNorm : OpDefinition
{
    public static RmsNorm Instance { get; } = new();

    public override string Name => "rms_norm";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x", "weight"];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands; eps is a double",
        "x is f32 of at least one dimension, the last a constant above 0",
        "weight is a float type of one dimension, the last of x",
        "eps is finite and not negative",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 2, 2, attributes, ("eps", AttributeKind.Float64));
        (TensorType x, TensorType weight) = (operands[0], operands[1]);
        Require(x.Element == ElementType.F32 && x.Rank >= 1 && x.Shape.Last.IsConstant && x.Shape.Last.Constant > 0, 2, $"{x}");
        Require(weight.Element.IsFloat() && weight.Shape == new Shape(x.Shape.Last), 3, $"{weight} for {x}");
        Require(IsEpsilon(attributes.Float64("eps")), 4, $"{attributes.Float64("eps")}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value x = operands[0];
        Value sum = builder.Reduce("sum", builder.Binary("mul", x, x), x.Type.Rank - 1);
        Value mean = builder.Binary("div", sum, (double)x.Type.Shape.Last.Constant);
        Value scale = builder.Unary("rsqrt", builder.Binary("add", mean, attributes.Float64("eps")));
        return [builder.Binary("mul", builder.Binary("mul", x, scale), builder.AsType(operands[1], ElementType.F32))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        4.0 * operands[0].Shape.Elements(bindings);

    internal static bool IsEpsilon(double eps) => double.IsFinite(eps) && eps >= 0;
}

public static partial class GraphOps
{
    public static Value RmsNorm(this GraphBuilder builder, Value x, Value weight, double eps) =>
        builder.Emit(Ir.RmsNorm.Instance, [x, weight], new(("eps", eps)))[0];
}
