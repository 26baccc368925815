using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>moe_route and moe_ffn. The logits of a router are apart by more than rounding can close.</summary>
internal static class MoeCases
{
    public static void Add(CaseList list)
    {
        foreach ((int experts, int k) in new[] { (1, 1), (8, 2), (33, 4), (128, 8) })
        {
            foreach (int renormalise in new[] { 0, 1 })
            {
                foreach ((string name, double step) in new[] { ("close", 0.25), ("wide", 2.0) })
                {
                    list.Add(
                        new("f32", $"5x{experts}.{k}", "dense", $"{name}.renormalise{renormalise}"), MoeRoute.Instance,
                        new(("k", (long)k), ("renormalise", (long)renormalise)), r => [Logits(r, 5, experts, step)]);
                }
            }
        }

        list.Add(
            new("f32", "5x33.4", "padded", "close.renormalise1"), MoeRoute.Instance, new(("k", 4L), ("renormalise", 1L)),
            r => [Logits(r, 5, 33, 0.25).With(40, 1)]);
        foreach (ElementType type in Weights.Types)
        {
            int width = type.IsQuantized() ? 256 : 48;
            foreach (int tokens in new[] { 1, 5 })
            {
                list.Add(new($"f32.{type.Name()}", $"{tokens}x{width}.6x{width}.3", "dense", "normal"), MoeFfn.Instance, Attributes.Empty, r =>
                    Ffn(r, type, tokens, 6, width, width, 3, Draws.Normal));
            }
        }

        list.Add(new("f32.f32", "3x48.6x64.2", "dense", "1e5"), MoeFfn.Instance, Attributes.Empty, r =>
            Ffn(r, ElementType.F32, 3, 6, 48, 64, 2, x => x.Normal() * 1e3));
    }

    /// <summary>Logits in random order, neighbours apart by <paramref name="step"/> in the upper half and equal below it.</summary>
    public static OpTensor Logits(CaseRandom r, int rows, int experts, double step, Dim? rowDim = null)
    {
        double[] logits = new double[rows * experts];
        for (int row = 0; row < rows; row++)
        {
            int[] order = r.Order(experts);
            for (int rank = 0; rank < experts; rank++)
            {
                // Sixteen leaders are apart from each other and from the rest.
                logits[(row * experts) + order[rank]] = rank < 16 ? -step * rank : (-step * 17) - r.Uniform();
            }
        }

        return OpTensor.Of(ElementType.F32, logits, rowDim ?? rows, experts);
    }

    /// <summary>Operands of moe_ffn.</summary>
    public static OpTensor[] Ffn(
        CaseRandom r, ElementType type, int tokens, int experts, int hidden, int ffn, int k, Func<CaseRandom, double> draw, Dim? rowDim = null)
    {
        Dim rows = rowDim ?? tokens;
        double[] weights = r.Values(tokens * k, x => 0.1 + x.Uniform());
        int[] index = [.. Enumerable.Range(0, tokens).SelectMany(_ => r.Order(experts).Take(k))];
        return
        [
            OpTensor.Of(ElementType.F32, r.Values((long)tokens * hidden, draw), rows, hidden),
            OpTensor.Of(ElementType.F32, weights, rows, k), Draws.Ints(index, rows, k),
            Weights.Random(type, r, experts, ffn, hidden) with { Ranges = experts }, Weights.Random(type, r, experts, ffn, hidden),
            Weights.Random(type, r, experts, hidden, ffn) with { Ranges = experts },
        ];
    }
}
