using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>attention_block</c>: one layer's attention with its norm and residual, and the K and V states' next versions.
/// <code>
/// h  = rms_norm(x, norm)
/// q  = qk_norm_rope(linear(h, wq[, bq]) as [T, H, D], q_norm, cos, sin);  k likewise;  v = linear(h, wv[, bv]) as [T, Hkv, D]
/// k' = scatter_rows(k_state, write_slot, k);  v' = scatter_rows(v_state, write_slot, v)
/// x' = x + linear(attention(q, k', v') as [T, H D], wo[, bo])
/// </code>
/// </summary>
public sealed class AttentionBlock : OpDefinition
{
    private const int IndexAt = 13;
    private const int BiasAt = IndexAt + 8;

    public static AttentionBlock Instance { get; } = new();

    public override string Name => "attention_block";

    public override OpClass Class => OpClass.Block;

    public override ImmutableArray<string> OperandNames =>
    [
        "x", "norm", "wq", "wk", "wv", "wo", "q_norm", "k_norm", "cos", "sin", "k_state", "v_state", "write_slot",
        .. AttentionIndex.Names, "bq", "bk", "bv", "bo...",
    ];

    public override ImmutableArray<string> Constraints =>
    [
        "21 operands, or 25 with the biases bq, bk, bv, bo; page and window are integers, eps and scale doubles",
        "x is f32 [T, K] with K constant",
        "the opened form is well typed: weights wq [H D, K], wk, wv [Hkv D, K], wo [K, H D], states of one type [S, Hkv, D]",
    ];

    public override ImmutableArray<(int Operand, int Result)> StateUpdates => [(10, 1), (11, 2)];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(
            1, operands, BiasAt, BiasAt + 4, attributes,
            ("eps", AttributeKind.Float64), ("page", AttributeKind.Int64), ("scale", AttributeKind.Float64), ("window", AttributeKind.Int64));
        Require(operands.Length is BiasAt or BiasAt + 4, 1, $"{operands.Length} operands");
        TensorType x = operands[0];
        Require(x.Element == ElementType.F32 && x.Rank == 2 && x.Shape[0] == Dim.T && x.Shape[1].IsConstant, 2, $"{x}");
        TensorType state = operands[10];
        Require(Ir.ScatterRows.IsStateType(state) && state.Rank == 3 && operands[11] == state, 3, $"{state} and {operands[11]}");
        RequireOpens(operands, attributes);
        return [x, state, state];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        (Value x, Value cos, Value sin, Value writeSlot) = (operands[0], operands[8], operands[9], operands[12]);
        (Dim kvHeads, Dim headDim) = (operands[10].Type.Shape[1], operands[10].Type.Shape[2]);
        long heads = operands[2].Type.Shape[0].Constant / headDim.Constant;
        double eps = attributes.Float64("eps");
        Value? Bias(int i) => operands.Length > BiasAt ? operands[BiasAt + i] : null;

        Value h = builder.RmsNorm(x, operands[1], eps);
        Value q = builder.Reshape(builder.Linear(h, operands[2], Bias(0)), Dim.T, heads, headDim);
        Value k = builder.Reshape(builder.Linear(h, operands[3], Bias(1)), Dim.T, kvHeads, headDim);
        Value v = builder.Reshape(builder.Linear(h, operands[4], Bias(2)), Dim.T, kvHeads, headDim);
        Value kNext = builder.ScatterRows(operands[10], writeSlot, builder.QkNormRope(k, operands[7], cos, sin, eps));
        Value vNext = builder.ScatterRows(operands[11], writeSlot, v);
        Attributes inner = new(
            ("page", attributes.Int64("page")), ("scale", attributes.Float64("scale")), ("window", attributes.Int64("window")));
        Value a = builder.Attention(
            builder.QkNormRope(q, operands[6], cos, sin, eps), kNext, vNext, AttentionIndex.From(operands, IndexAt), inner);
        Value o = builder.Linear(builder.Reshape(a, Dim.T, heads * headDim.Constant), operands[5], Bias(3));
        return [builder.Binary("add", x, o), kNext, vNext];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings)
    {
        double weights = operands.Skip(2).Take(4).Sum(w => (double)w.Shape.Elements(default));
        double entries = (double)bindings.N / Math.Max(1, bindings.B);
        return (2.0 * bindings.T * weights) + (4.0 * bindings.T * operands[2].Shape[0].Constant * entries);
    }

    /// <summary>
    /// Types the opened form, so that the rules of the inner ops are written once. The operands stand in for themselves: states as
    /// states, all others as inputs.
    /// </summary>
    private void RequireOpens(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        TensorType state = operands[10];
        bool divides = operands[2].Rank == 2 && operands[2].Shape[0].IsConstant && state.Shape[2].Constant > 0
            && operands[2].Shape[0].Constant % state.Shape[2].Constant == 0;
        Require(divides, 3, $"wq {operands[2]} for heads of {state}");
        GraphBuilder builder = new("opened");
        try
        {
            var values = operands.Select((type, i) => i is 10 or 11 ? builder.State($"s{i}", type) : builder.Input($"i{i}", type));
            Decompose(builder, [.. values], attributes);
        }
        catch (ConstraintException e)
        {
            throw new ConstraintException(this, 3, e.Message);
        }
    }
}

public static partial class GraphOps
{
    /// <summary>Emits the block; operands in the order of <see cref="Ir.AttentionBlock.OperandNames"/>.</summary>
    public static (Value X, Value K, Value V) AttentionBlock(this GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        ImmutableArray<Value> results = builder.Emit(Ir.AttentionBlock.Instance, operands, attributes);
        return (results[0], results[1], results[2]);
    }
}
