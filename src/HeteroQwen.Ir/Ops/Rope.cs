using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>rope(x, cos, sin)</c>, rotary position embedding with halves: for i below D/2,
/// y[t, h, i] = x[t, h, i] cos[t, i] - x[t, h, i + D/2] sin[t, i] and
/// y[t, h, i + D/2] = x[t, h, i + D/2] cos[t, i + D/2] + x[t, h, i] sin[t, i + D/2].
/// The angles are inputs, computed in f64 on the host.
/// </summary>
public sealed class Rope : OpDefinition
{
    public static Rope Instance { get; } = new();

    public override string Name => "rope";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x", "cos", "sin"];

    public override ImmutableArray<string> Constraints =>
    [
        "three operands, no attributes",
        "x is f32 [M, H, D] with D constant, even and above 0",
        "cos and sin are f32 [M, D]",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 3, 3, attributes);
        TensorType x = operands[0];
        Require(IsHeads(x), 2, $"{x}");
        TensorType angles = new(ElementType.F32, x.Shape[0], x.Shape[2]);
        Require(operands[1] == angles && operands[2] == angles, 3, $"{operands[1]} and {operands[2]} for {x}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value x = operands[0];
        long half = x.Type.Shape[2].Constant / 2;
        Value rotated = builder.Concat(2, builder.Unary("neg", builder.Slice(x, 2, half, half)), builder.Slice(x, 2, 0, half));
        Value cos = builder.Reshape(operands[1], x.Type.Shape[0], 1, x.Type.Shape[2]);
        Value sin = builder.Reshape(operands[2], x.Type.Shape[0], 1, x.Type.Shape[2]);
        return [builder.Binary("add", builder.Binary("mul", x, cos), builder.Binary("mul", rotated, sin))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        3.0 * operands[0].Shape.Elements(bindings);

    internal static bool IsHeads(TensorType x) => x.Element == ElementType.F32 && x.Rank == 3 && x.Shape[2].IsConstant
        && x.Shape[2].Constant > 0 && x.Shape[2].Constant % 2 == 0;
}

public static partial class GraphOps
{
    public static Value Rope(this GraphBuilder builder, Value x, Value cos, Value sin) =>
        builder.Emit(Ir.Rope.Instance, [x, cos, sin], Attributes.Empty)[0];
}
