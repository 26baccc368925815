using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>moe_ffn(x, weights, index, gate, up, down)</c>: out[t] = sum over j in order of weights[t, j] * down[e] . (silu(gate[e] . x[t]) *
/// (up[e] . x[t])) with e = index[t, j].
/// </summary>
public sealed class MoeFfn : OpDefinition
{
    public static MoeFfn Instance { get; } = new();

    public override string Name => "moe_ffn";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["x", "weights", "index", "gate", "up", "down"];

    public override ImmutableArray<string> Constraints =>
    [
        "six operands, no attributes",
        "x is f32 [M, K] with K constant",
        "weights is f32 [M, k] and index i32 [M, k], with k constant",
        "gate and up are of one float or block-quantised type [E, F, K], down of one [E, K, F], with E and F constants",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 6, 6, attributes);
        (TensorType x, TensorType weights, TensorType index) = (operands[0], operands[1], operands[2]);
        Require(x.Element == ElementType.F32 && x.Rank == 2 && x.Shape[1].IsConstant, 2, $"{x}");
        bool routed = weights.Element == ElementType.F32 && index.Element == ElementType.I32 && weights.Shape == index.Shape
            && weights.Rank == 2 && weights.Shape[0] == x.Shape[0] && weights.Shape[1].IsConstant;
        Require(routed, 3, $"{weights} and {index} for {x}");
        Require(AreExperts(x.Shape[1], operands[3], operands[4], operands[5]), 4, $"{operands[3]}, {operands[4]}, {operands[5]} for {x}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        (Value x, Value weights, Value index) = (operands[0], operands[1], operands[2]);
        Value hidden = builder.SwiGlu(builder.MatMulIndexed(x, operands[3], index), builder.MatMulIndexed(x, operands[4], index));
        Value outputs = builder.MatMulIndexed(hidden, operands[5], index);
        (Dim tokens, Dim k) = (weights.Type.Shape[0], weights.Type.Shape[1]);
        Value weighted = builder.Binary("mul", outputs, builder.Reshape(weights, tokens, k, 1));
        return [builder.Reshape(builder.Reduce("sum", weighted, 1), tokens, x.Type.Shape[1])];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        6.0 * operands[1].Shape.Elements(bindings) * operands[0].Shape[1].Resolve(bindings) * operands[3].Shape[1].Resolve(bindings);

    internal static bool AreExperts(Dim hidden, TensorType gate, TensorType up, TensorType down) =>
        gate == up && Weighs(gate) && Weighs(down) && gate.Shape[2] == hidden
        && down.Shape == new Shape(gate.Shape[0], hidden, gate.Shape[1]);

    private static bool Weighs(TensorType type) =>
        (type.Element.IsFloat() || type.Element.IsQuantized()) && type.Rank == 3 && type.Shape.Dims.All(d => d.IsConstant);
}

public static partial class GraphOps
{
    public static Value MoeFfn(this GraphBuilder builder, Value x, Value weights, Value index, Value gate, Value up, Value down) =>
        builder.Emit(Ir.MoeFfn.Instance, [x, weights, index, gate, up, down], Attributes.Empty)[0];
}
