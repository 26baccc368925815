using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>attention_block, ffn_block and moe_block, for devices that own whole blocks.</summary>
internal static class BlockCases
{
    private const double Eps = 1e-6;
    private const int Experts = 8;
    private const int PerToken = 2;

    public static void Add(CaseList list)
    {
        foreach (ElementType type in Weights.Types)
        {
            int width = type.IsQuantized() ? 256 : 64;
            list.Add(new($"f32.{type.Name()}", $"3x{width}.{width}", "dense", "normal"), FfnBlock.Instance, new(("eps", Eps)), r =>
            [
                Draws.F32(r, Draws.Normal, 3, width), Norm(r, width), Weights.Random(type, r, width, width), Weights.Random(type, r, width, width),
                Weights.Random(type, r, width, width),
            ]);
            Attributes routing = new(("eps", Eps), ("k", (long)PerToken), ("renormalise", 1L));
            list.Add(new($"f32.{type.Name()}", $"3x{width}.{Experts}x{width}.{PerToken}", "dense", "separated"), MoeBlock.Instance, routing, r =>
            [
                Separated(r, 3, width), Ones(width), Router(width), Weights.Random(type, r, Experts, width, width),
                Weights.Random(type, r, Experts, width, width), Weights.Random(type, r, Experts, width, width),
            ]);
            AddAttention(list, type, width);
        }
    }

    private static OpTensor Norm(CaseRandom r, int width) => Draws.F32(r, Draws.Positive, width).As(TensorRole.Constant);

    private static OpTensor Ones(int width) => OpTensor.Of(ElementType.F32, [.. Enumerable.Repeat(1.0, width)], width).As(TensorRole.Constant);

    /// <summary>Expert e's logit is the token's element e.</summary>
    private static OpTensor Router(int width)
    {
        double[] values = new double[Experts * width];
        for (int e = 0; e < Experts; e++)
        {
            values[(e * width) + e] = 1;
        }

        return OpTensor.Of(ElementType.F32, values, Experts, width).As(TensorRole.Constant);
    }

    /// <summary>Tokens whose first elements, the logits, are half a unit apart.</summary>
    private static OpTensor Separated(CaseRandom r, int tokens, int width)
    {
        double[] values = r.Values(tokens * width, Draws.Normal);
        for (int t = 0; t < tokens; t++)
        {
            int[] order = r.Order(Experts);
            for (int e = 0; e < Experts; e++)
            {
                values[(t * width) + e] = (order[e] - 3.5) / 2;
            }
        }

        return OpTensor.Of(ElementType.F32, values, tokens, width);
    }

    private static void AddAttention(CaseList list, ElementType type, int width)
    {
        const int heads = 4, kvHeads = 2;
        int headDim = width / heads;
        int page = list.Capabilities.PageSize;
        (int, int)[] sequences = [(page - 2, 3), (0, 2)];
        Bindings bindings = new KvStep(new CaseRandom("", 0), page, sequences).Bindings;
        Attributes attributes = new(("eps", Eps), ("page", (long)page), ("scale", 1 / Math.Sqrt(headDim)), ("window", 0L));
        OpTensor[] Make(CaseRandom r)
        {
            KvStep kv = new(r, page, sequences);
            (OpTensor cos, OpTensor sin) = NormCases.Angles(kv.Positions, headDim, Dim.T);
            return
            [
                OpTensor.Of(ElementType.F32, r.Values(bindings.T * width, Draws.Normal), Dim.T, width), Norm(r, width),
                Weights.Random(type, r, width, width), Weights.Random(type, r, kvHeads * headDim, width),
                Weights.Random(type, r, kvHeads * headDim, width), Weights.Random(type, r, width, width),
                Norm(r, headDim), Norm(r, headDim), cos, sin, kv.State(r, ElementType.F32, kvHeads, headDim, Draws.Normal),
                kv.State(r, ElementType.F32, kvHeads, headDim, Draws.Normal), kv.WriteSlot, .. kv.Index(),
            ];
        }

        string shape = $"{bindings.T}t{bindings.N}n{bindings.B}b.{width}";
        list.Add(new($"f32.{type.Name()}", shape, "dense", "over_edge"), new OpSpec(AttentionBlock.Instance, attributes, bindings, Make));
    }
}
