using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>moe_block(x, norm, router, gate, up, down; eps, k, renormalise)</c>: x + moe_ffn(h, moe_route(linear(h, router)), gate, up, down) with
/// h = rms_norm(x, norm).
/// </summary>
public sealed class MoeBlock : OpDefinition
{
    public static MoeBlock Instance { get; } = new();

    public override string Name => "moe_block";

    public override OpClass Class => OpClass.Block;

    public override ImmutableArray<string> OperandNames => ["x", "norm", "router", "gate", "up", "down"];

    public override ImmutableArray<string> Constraints =>
    [
        "six operands; eps is a double, finite and not negative; k and renormalise are integers",
        "x is f32 [M, K] with K constant above 0, norm a float type [K]",
        "gate and up are of one float or block-quantised type [E, F, K], down of one [E, K, F], with E and F constants",
        "router is a float or block-quantised type [E, K]; 1 <= k <= E; renormalise is 0 or 1",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(
            1, operands, 6, 6, attributes, ("eps", AttributeKind.Float64), ("k", AttributeKind.Int64), ("renormalise", AttributeKind.Int64));
        Require(Ir.RmsNorm.IsEpsilon(attributes.Float64("eps")), 1, $"{attributes}");
        (TensorType x, TensorType router, TensorType gate) = (operands[0], operands[2], operands[3]);
        Require(Ir.FfnBlock.IsNormed(x, operands[1]), 2, $"{x} and {operands[1]}");
        Require(Ir.MoeFfn.AreExperts(x.Shape[1], gate, operands[4], operands[5]), 3, $"{gate}, {operands[4]}, {operands[5]} for {x}");
        bool routes = (router.Element.IsFloat() || router.Element.IsQuantized()) && router.Shape == new Shape(gate.Shape[0], x.Shape[1])
            && Ir.MoeRoute.AreParameters(attributes, gate.Shape[0].Constant);
        Require(routes, 4, $"{router} and {attributes}");
        return [x];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        Value h = builder.RmsNorm(operands[0], operands[1], attributes.Float64("eps"));
        (Value weights, Value index) = builder.MoeRoute(builder.Linear(h, operands[2]), attributes.Int64("k"), attributes.Int64("renormalise"));
        return [builder.Binary("add", operands[0], builder.MoeFfn(h, weights, index, operands[3], operands[4], operands[5]))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        operands[0].Shape.Elements(bindings)
        * ((6.0 * attributes.Int64("k") * operands[3].Shape[1].Constant) + (2.0 * operands[2].Shape[0].Constant));
}

public static partial class GraphOps
{
    public static Value MoeBlock(
        this GraphBuilder builder, Value x, Value norm, Value router, Value gate, Value up, Value down, double eps, long k, long renormalise)
    {
        Attributes attributes = new(("eps", eps), ("k", k), ("renormalise", renormalise));
        return builder.Emit(Ir.MoeBlock.Instance, [x, norm, router, gate, up, down], attributes)[0];
    }
}
