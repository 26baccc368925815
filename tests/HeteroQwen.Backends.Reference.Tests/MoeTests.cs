using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class MoeTests
{
    private const int Tokens = 3, Width = 6, Hidden = 5, Experts = 4, K = 2;

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    public void Route_picks_after_the_softmax_over_all_experts(long renormalise)
    {
        // Weights of 1/8, 1/2, 1/8, 1/4: the second pick of row 2 is a tie, which goes to the lower index.
        float ln2 = (float)Math.Log(2);
        TestTensor logits = TestTensor.Of([0, 2 * ln2, 0, ln2, 0, 0, 0, ln2], 2, 4);
        TestTensor[] y = Reference.Run(MoeRoute.Instance, new(("k", 2L), ("renormalise", renormalise)), logits);
        Assert.Equal([1, 3, 3, 0], y[1].Ints());
        double[] weights = renormalise == 1 ? [2.0 / 3, 1.0 / 3, 2.0 / 3, 1.0 / 3] : [0.5, 0.25, 0.4, 0.2];
        Assert.All(weights.Zip(y[0].Floats()), p => Assert.Equal(p.First, p.Second, 1e-7));
    }

    [Fact]
    public void Route_gives_distinct_indices_whatever_the_logits()
    {
        TestTensor logits = TestTensor.Of([float.NaN, 1, 2, 3], 1, 4);
        int[] index = Reference.Run(MoeRoute.Instance, new(("k", 4L), ("renormalise", 1L)), logits)[1].Ints();
        Assert.Equal([0, 1, 2, 3], index.Order());
    }

    [Theory]
    [InlineData(ElementType.F32, 1)]
    [InlineData(ElementType.BF16, Experts)]
    public void Ffn_sums_the_chosen_experts_by_weight(ElementType type, int ranges)
    {
        TestTensor[] operands = Operands(type, ranges);
        TestTensor[] y = Reference.Run(MoeFfn.Instance, Attributes.Empty, new Bindings(Tokens, 0, 0, 0), operands);
        Reference.AssertRounded(Expected(operands), y[0].Floats());
    }

    [Fact]
    public void Ffn_refuses_an_expert_that_does_not_exist()
    {
        TestTensor[] operands = Operands(ElementType.F32, 1);
        operands[2] = TestTensor.Of([0, 1, 2, 3, 4, 0], Dim.T, K);
        string sentence = Reference.Refusal(MoeFfn.Instance, Attributes.Empty, new Bindings(Tokens, 0, 0, 0), operands);
        Assert.Equal("moe_ffn: the index holds 4, and only 0 to 3 is in range", sentence);
    }

    [Fact]
    public void A_token_alone_gives_the_bits_of_tokens_together()
    {
        TestTensor[] operands = Operands(ElementType.BF16, 2);
        float[] together = Reference.Run(MoeFfn.Instance, Attributes.Empty, new Bindings(Tokens, 0, 0, 0), operands)[0].Floats();
        operands[0] = TestTensor.Of(operands[0].Floats()[Width..(2 * Width)], Dim.T, Width);
        operands[1] = TestTensor.Of(operands[1].Floats()[K..(2 * K)], Dim.T, K);
        operands[2] = TestTensor.Of(operands[2].Ints()[K..(2 * K)], Dim.T, K);
        float[] alone = Reference.Run(MoeFfn.Instance, Attributes.Empty, new Bindings(1, 0, 0, 0), operands)[0].Floats();
        Assert.Equal(together[Width..(2 * Width)], alone);
    }

    internal static TestTensor[] Operands(ElementType type, int ranges) =>
    [
        TestTensor.Of(Reference.Random(1, Tokens * Width), Dim.T, Width),
        TestTensor.Of([0.75f, 0.25f, 0.5f, 0.5f, 1, 0], Dim.T, K),
        TestTensor.Of([3, 0, 1, 2, 2, 3], Dim.T, K),
        TestTensor.Of(type, Reference.Random(2, Experts * Hidden * Width, 2), Experts, Hidden, Width).AsConstant(ranges),
        TestTensor.Of(type, Reference.Random(3, Experts * Hidden * Width, 2), Experts, Hidden, Width).AsConstant(ranges),
        TestTensor.Of(type, Reference.Random(4, Experts * Hidden * Width, 2), Experts, Width, Hidden).AsConstant(ranges),
    ];

    private static double[] Expected(TestTensor[] operands)
    {
        (float[] x, float[] weights, int[] index) = (operands[0].Floats(), operands[1].Floats(), operands[2].Ints());
        (float[] gate, float[] up, float[] down) = (operands[3].Floats(), operands[4].Floats(), operands[5].Floats());
        double[] y = new double[Tokens * Width];
        for (int i = 0; i < index.Length; i++)
        {
            int token = i / K;
            double Product(float[] matrix, int row) =>
                Enumerable.Range(0, Width).Sum(d => (double)matrix[(row * Width) + d] * x[(token * Width) + d]);
            double[] hidden = [.. Enumerable.Range(0, Hidden).Select(f =>
            {
                double g = Product(gate, (index[i] * Hidden) + f);
                return g / (1 + Math.Exp(-g)) * Product(up, (index[i] * Hidden) + f);
            })];
            for (int n = 0; n < Width; n++)
            {
                y[(token * Width) + n] += weights[i] * hidden.Select((h, f) => h * down[(((index[i] * Width) + n) * Hidden) + f]).Sum();
            }
        }

        return y;
    }
}
