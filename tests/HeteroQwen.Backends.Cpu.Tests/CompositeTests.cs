using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class CompositeTests
{
    private const double Tolerance = 1e-6;

    [Theory]
    [InlineData(1, 2, ElementType.F32)]
    [InlineData(3, 17, ElementType.F16)]
    [InlineData(5, 257, ElementType.BF16)]
    public void RmsNorm_matches_the_reference(int rows, int length, ElementType type)
    {
        TestTensor[] operands = [Data.Floats(1, rows, 2, length), Data.Floats(2, type, 1, length).AsConstant()];
        Attributes eps = new(("eps", 1e-6));
        Against.Bounded(RmsNorm.Instance, operands, Tolerance, eps);
        Against.Strided(RmsNorm.Instance, operands, i => i == 0, Tolerance, eps);
        Against.Bounded(RmsNorm.Instance, [operands[0], operands[1] with { Role = TensorRole.Input }], Tolerance, eps);
    }

    [Theory]
    [InlineData(1e-25f, 0)]
    [InlineData(1e-42f, 0)]
    [InlineData(1e30f, 1e-6)]
    [InlineData(0, 1e-6)]
    public void RmsNorm_of_tiny_and_huge_rows_keeps_its_accuracy(float scale, double eps)
    {
        TestTensor x = Data.Floats(1, ElementType.F32, scale, 2, 33);
        Against.Bounded(RmsNorm.Instance, [x, Data.Floats(2, 33)], Tolerance, new(("eps", eps)));
    }

    [Fact]
    public void Softmax_matches_the_reference_for_odd_lengths_wide_values_and_masked_entries()
    {
        foreach (int length in (int[])[1, 3, 17, 33, 257])
        {
            TestTensor x = Data.Floats(1, ElementType.F32, 30, 2, 3, length);
            Against.Bounded(Softmax.Instance, [x], Tolerance);
            Against.Strided(Softmax.Instance, [x], _ => true, Tolerance);
        }

        TestTensor masked = TestTensor.Of([float.NegativeInfinity, 2, float.NegativeInfinity, 1, 3e38f, -3e38f], 2, 3);
        Against.Bounded(Softmax.Instance, [masked], Tolerance);
    }

    [Fact]
    public void Silu_and_swiglu_match_the_reference_at_every_magnitude()
    {
        float[] magnitudes = [0, 1e-40f, 1e-3f, 0.7f, 5, 17, 50, 80, 86, 95, 200, 1e30f];
        foreach (float x in magnitudes.SelectMany(m => (float[])[m, -m]))
        {
            Against.Bounded(Silu.Instance, [TestTensor.Of([x], 1)], Tolerance);
        }

        TestTensor gate = Data.Floats(1, ElementType.F32, 4, 3, 67);
        Against.Strided(Silu.Instance, [gate], _ => true, Tolerance);
        TestTensor[] pair = [gate, Data.Floats(2, 3, 67)];
        Against.Bounded(SwiGlu.Instance, pair, Tolerance);
        Against.Strided(SwiGlu.Instance, pair, _ => true, Tolerance);
    }

    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(3, 5, 6)]
    [InlineData(2, 3, 128)]
    public void Rope_and_QkNormRope_match_the_reference(int tokens, int heads, int length)
    {
        TestTensor x = Data.Floats(1, tokens, heads, length);
        TestTensor weight = Data.Floats(2, ElementType.BF16, 1, length).AsConstant();
        TestTensor[] angles = [Data.Floats(3, tokens, length), Data.Floats(4, tokens, length)];
        Against.Bounded(Rope.Instance, [x, .. angles], Tolerance);
        Against.Strided(Rope.Instance, [x, .. angles], _ => true, Tolerance);
        Attributes eps = new(("eps", 1e-6));
        Against.Bounded(QkNormRope.Instance, [x, weight, .. angles], Tolerance, eps);
        Against.Strided(QkNormRope.Instance, [x, weight, .. angles], i => i != 1, Tolerance, eps);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 8)]
    [InlineData(1, 3)]
    public void MoeRoute_matches_the_reference_with_ties(long renormalise, long k)
    {
        Attributes attributes = new(("k", k), ("renormalise", renormalise));
        foreach (TestTensor logits in (TestTensor[])[Data.Floats(1, ElementType.F32, 5, 9, 33), Data.Ints(1, 4, 5, 8).AsFloats()])
        {
            Against.Bounded(MoeRoute.Instance, [logits], Tolerance, attributes);
            Against.Strided(MoeRoute.Instance, [logits], _ => true, Tolerance, attributes);
        }
    }

    [Theory]
    [InlineData(ElementType.F32, 1)]
    [InlineData(ElementType.BF16, 5)]
    [InlineData(ElementType.F16, 1)]
    public void MoeFfn_matches_the_reference(ElementType type, int ranges)
    {
        TestTensor x = Data.Floats(1, 7, 33);
        TestTensor[] routed = [x, Data.Floats(2, 7, 3), Data.Ints(3, 5, 7, 3)];
        TestTensor[] experts =
        [
            Data.Floats(4, type, 0.4f, 5, 17, 33), Data.Floats(5, type, 0.4f, 5, 17, 33), Data.Floats(6, type, 0.4f, 5, 33, 17),
        ];
        TestTensor[] operands = [.. routed, .. experts.Select(e => e.AsConstant(ranges))];
        Against.Bounded(MoeFfn.Instance, operands, 4e-6);
        Against.Strided(MoeFfn.Instance, [.. routed, .. experts], i => i == 0, 4e-6);
    }

    [Fact]
    public void MoeFfn_gives_a_token_the_same_bits_in_any_batch()
    {
        TestTensor[] experts = [Data.Floats(4, 5, 17, 33), Data.Floats(5, 5, 17, 33), Data.Floats(6, 5, 33, 17)];
        TestTensor x = Data.Floats(1, 3, 33), weights = Data.Floats(2, 3, 2), index = Data.Ints(3, 5, 3, 2);
        float[] together = Against.Cpu(MoeFfn.Instance, [x, weights, index, .. experts])[0].Floats();
        for (int t = 0; t < 3; t++)
        {
            TestTensor[] alone = [
                TestTensor.Of(x.Floats()[(t * 33)..((t + 1) * 33)], 1, 33), TestTensor.Of(weights.Floats()[(t * 2)..((t + 1) * 2)], 1, 2),
                TestTensor.Of(index.Ints()[(t * 2)..((t + 1) * 2)], 1, 2)];
            Assert.Equal(together[(t * 33)..((t + 1) * 33)], Against.Cpu(MoeFfn.Instance, [.. alone, .. experts])[0].Floats());
        }
    }
}
