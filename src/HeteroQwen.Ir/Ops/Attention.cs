using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>attention(q, k, v, index..; page, scale, window)</c> over the paged KV pool. For token t and head h, with g = H / Hkv:
/// out[t, h, :] = sum over entries e that t sees of p[e] v[slot e, h / g, :], where p = softmax over those entries of
/// scale * q[t, h, :] . k[slot e, h / g, :]. A token sees an entry iff the sequences are equal, kv_pos is not above q_pos, and
/// window = 0 or q_pos - kv_pos is below window. A token sees at least its own entry.
/// </summary>
public sealed class Attention : OpDefinition
{
    public static Attention Instance { get; } = new();

    public override string Name => "attention";

    public override OpClass Class => OpClass.Inner;

    public override ImmutableArray<string> OperandNames => ["q", "k", "v", .. AttentionIndex.Names];

    public override ImmutableArray<string> Constraints =>
    [
        "eleven operands; page and window are integers, scale a double",
        "q is f32 [T, H, D] with H and D constants above 0",
        "k and v are states or versions of states of one type [S, Hkv, D], and H is a multiple of Hkv",
        AttentionIndex.Constraint,
        "page is above 0 and divides S; window is from 0 to 2^31 - 1; scale is finite",
    ];

    public override ImmutableArray<int> StateOperands => [1, 2];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(
            1, operands, 11, 11, attributes, ("page", AttributeKind.Int64), ("scale", AttributeKind.Float64), ("window", AttributeKind.Int64));
        (TensorType q, TensorType k) = (operands[0], operands[1]);
        bool heads = q.Element == ElementType.F32 && q.Rank == 3 && q.Shape[0] == Dim.T
            && q.Shape.Dims.Skip(1).All(d => d.IsConstant && d.Constant > 0);
        Require(heads, 2, $"{q}");
        bool cached = k == operands[2] && Ir.ScatterRows.IsStateType(k) && k.Rank == 3 && k.Shape[2] == q.Shape[2]
            && k.Shape[1].Constant > 0 && q.Shape[1].Constant % k.Shape[1].Constant == 0;
        Require(cached, 3, $"{k} and {operands[2]} for {q}");
        Require(AttentionIndex.Fits(operands, 3), 4, string.Join(", ", operands.Skip(3)));
        Require(AreParameters(attributes, k.Shape[0].Constant), 5, $"{attributes} for {k}");
        return [q];
    }

    public override ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes)
    {
        AttentionIndex index = AttentionIndex.From(operands, 3);
        Value k = builder.Permute(builder.GatherRows(operands[1], index.KvSlot), 1, 0, 2);
        Value v = builder.Permute(builder.GatherRows(operands[2], index.KvSlot), 1, 2, 0);
        Value scores = builder.Binary("mul", builder.MatMul(builder.Permute(operands[0], 1, 0, 2), k), attributes.Float64("scale"));
        Value weights = builder.Softmax(builder.Binary("masked_fill", scores, Mask(builder, index, attributes.Int64("window"))));
        return [builder.Permute(builder.MatMul(weights, v), 1, 0, 2)];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings)
    {
        // Not known without the index: taken as if each token saw every entry of an average sequence.
        double entries = (double)bindings.N / Math.Max(1, bindings.B);
        return 4.0 * operands[0].Shape.Elements(bindings) * entries;
    }

    internal static bool AreParameters(Attributes attributes, long slots) =>
        attributes.Int64("page") > 0 && slots % attributes.Int64("page") == 0 && attributes.Int64("window") is >= 0 and <= int.MaxValue
        && double.IsFinite(attributes.Float64("scale"));

    /// <summary>bool [T, N]: which entries each token sees.</summary>
    private static Value Mask(GraphBuilder builder, AttentionIndex index, long window)
    {
        Value Column(Value v) => builder.Reshape(v, Dim.T, 1);
        Value Row(Value v) => builder.Reshape(v, 1, Dim.N);
        Value same = builder.Binary("eq", Column(index.QSeq), Row(index.KvSeq));
        Value mask = builder.Binary("and", same, builder.Binary("le", Row(index.KvPos), Column(index.QPos)));
        if (window == 0)
        {
            return mask;
        }

        Value distance = builder.Binary("sub", Column(index.QPos), Row(index.KvPos));
        return builder.Binary("and", mask, builder.Binary("lt", distance, (double)window));
    }
}

public static partial class GraphOps
{
    public static Value Attention(this GraphBuilder builder, Value q, Value k, Value v, AttentionIndex index, Attributes attributes) =>
        builder.Emit(Ir.Attention.Instance, [q, k, v, .. index.ToArray()], attributes)[0];
}
