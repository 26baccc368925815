using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>ffn_block(x, norm, gate, up, down; eps)</c>: x + linear(swiglu(linear(h, gate), linear(h, up)), down) with h = rms_norm(x, norm).
/// </summary>
public sealed class FfnBlock : OpDefinition
{
    public static FfnBlock Instance { get; } = new();

    public override string Name => "ffn_block";

    public override OpClass Class => OpClass.Block;

    public override ImmutableArray<string> OperandNames => ["x", "norm", "gate", "up", "down"];

    public override ImmutableArray<string> Constraints =>
    [
        "five operands; eps is a double, finite and not negative",
        "x is f32 [M, K] with K constant above 0, norm a float type [K]",
        "gate and up are float or block-quantised types [F, K], down one [K, F], with F constant",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 5, 5, attributes, ("eps", AttributeKind.Float64));
        Require(Ir.RmsNorm.IsEpsilon(attributes.Float64("eps")), 1, $"{attributes}");
        (TensorType x, TensorType gate, TensorType up, TensorType down) = (operands[0], operands[2], operands[3], operands[4]);
        Require(IsNormed(x, operands[1]), 2, $"{x} and {operands[1]}");
        Dim ffn = gate.Rank == 2 ? gate.Shape[0] : 0;
        bool weighs = Weighs(gate) && Weighs(up) && Weighs(down) && gate.Shape == new Shape(ffn, x.Shape[1]) && up.Shape == gate.Shape
            && down.Shape == new Shape(x.Shape[1], ffn) && ffn.IsConstant;
        Require(weighs, 3, $"{gate}, {up}, {down} for {x}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value h = builder.RmsNorm(operands[0], operands[1], attributes.Float64("eps"));
        Value hidden = builder.SwiGlu(builder.Linear(h, operands[2]), builder.Linear(h, operands[3]));
        return [builder.Binary("add", operands[0], builder.Linear(hidden, operands[4]))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        6.0 * operands[0].Shape.Elements(bindings) * operands[2].Shape[0].Constant;

    internal static bool IsNormed(TensorType x, TensorType norm) =>
        x.Element == ElementType.F32 && x.Rank == 2 && x.Shape[1].IsConstant && x.Shape[1].Constant > 0 && norm.Element.IsFloat()
        && norm.Shape == new Shape(x.Shape[1]);

    private static bool Weighs(TensorType type) => type.Element.IsFloat() || type.Element.IsQuantized();
}

public static partial class GraphOps
{
    public static Value FfnBlock(this GraphBuilder builder, Value x, Value norm, Value gate, Value up, Value down, double eps) =>
        builder.Emit(Ir.FfnBlock.Instance, [x, norm, gate, up, down], new(("eps", eps)))[0];
}
