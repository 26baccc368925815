using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class NormTests
{
    private const float Inf = float.PositiveInfinity;

    [Theory]
    [InlineData(1, 1.0, 1e-6)]
    [InlineData(2, 1.0, 1e-6)]
    [InlineData(33, 1e-20, 0.0)]
    [InlineData(33, 1e-20, 1e-6)]
    [InlineData(257, 1e30, 1e-6)]
    public void Rms_norm_divides_by_the_root_of_the_mean_square(int width, double scale, double eps)
    {
        float[] x = Reference.Random(width, 3 * width, scale);
        TestTensor weight = TestTensor.Of(ElementType.BF16, Reference.Random(2, width), width);
        double[] expected = [.. x.Chunk(width).SelectMany(row => Normed(row, weight.Floats(), eps))];
        TestTensor tensor = TestTensor.Of(x, 3, width);
        Reference.AssertRounded(expected, Reference.Floats(RmsNorm.Instance, new(("eps", eps)), tensor, weight.AsConstant()));
        Reference.AssertRounded(expected, Reference.Floats(RmsNorm.Instance, new(("eps", eps)), tensor, weight.AsConstant(ranges: width)));
    }

    [Fact]
    public void Rms_norm_of_zeros_is_zero()
    {
        TestTensor zeros = TestTensor.Of(new float[2], 1, 2);
        Assert.Equal([0f, 0], Reference.Floats(RmsNorm.Instance, new(("eps", 1e-6)), zeros, TestTensor.Of([1f, 2], 2)));
    }

    [Fact]
    public void Rms_norm_of_a_permuted_operand()
    {
        TestTensor x = TestTensor.Of(Reference.Random(1, 12), 4, 3).View([3, 4], [1, 3]);
        float[] weight = Reference.Random(2, 4);
        double[] expected = [.. x.Dense().Floats().Chunk(4).SelectMany(row => Normed(row, weight, 1e-6))];
        Reference.AssertRounded(expected, Reference.Floats(RmsNorm.Instance, new(("eps", 1e-6)), x, TestTensor.Of(weight, 4)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 30)]
    [InlineData(33, 30)]
    [InlineData(257, 1e5)]
    public void Softmax_is_exp_over_the_sum(int width, double scale)
    {
        float[] x = Reference.Random(width, 2 * width, scale);
        double[] expected = [.. x.Chunk(width).SelectMany(Softmaxed)];
        Reference.AssertRounded(expected, Reference.Floats(Softmax.Instance, Attributes.Empty, TestTensor.Of(x, 2, width)));
    }

    [Fact]
    public void Softmax_gives_0_where_an_element_is_minus_infinity()
    {
        TestTensor x = TestTensor.Of([-Inf, 3e38f, -Inf, 3e38f], 4);
        Assert.Equal([0, 0.5f, 0, 0.5f], Reference.Floats(Softmax.Instance, Attributes.Empty, x));
    }

    [Fact]
    public void Softmax_of_a_strided_operand()
    {
        TestTensor x = TestTensor.Of(Reference.Random(3, 20), 4, 5).View([5, 2], [1, 10]);
        double[] expected = [.. x.Dense().Floats().Chunk(2).SelectMany(Softmaxed)];
        Reference.AssertRounded(expected, Reference.Floats(Softmax.Instance, Attributes.Empty, x));
    }

    [Fact]
    public void Silu_and_swiglu_follow_their_formulas()
    {
        float[] x = [.. Reference.Random(1, 40, 20), 0, -1000, 1000, 1e-30f, 3e38f];
        float[] up = Reference.Random(2, x.Length, 3);
        TestTensor gate = TestTensor.Of(x, x.Length);
        Reference.AssertRounded([.. x.Select(Silued)], Reference.Floats(Silu.Instance, Attributes.Empty, gate));
        float[] y = Reference.Floats(SwiGlu.Instance, Attributes.Empty, gate, TestTensor.Of(up, x.Length));
        Reference.AssertRounded([.. x.Zip(up, (g, u) => Silued(g) * u)], y);
    }

    [Fact]
    public void Swiglu_of_halves_of_one_tensor()
    {
        TestTensor both = TestTensor.Of(Reference.Random(4, 24), 3, 8);
        (TestTensor gate, TestTensor up) = (both.View([3, 4], [8, 1]), both.View([3, 4], [8, 1], 4));
        double[] expected = [.. gate.Dense().Floats().Zip(up.Dense().Floats(), (g, u) => Silued(g) * u)];
        Reference.AssertRounded(expected, Reference.Floats(SwiGlu.Instance, Attributes.Empty, gate, up));
    }

    [Fact]
    public void Rope_rotates_halves()
    {
        // One token, one head of four: pairs (1, 3) and (2, 4); angles of a quarter turn and none.
        TestTensor x = TestTensor.Of([1f, 2, 3, 4], 1, 1, 4);
        TestTensor cos = TestTensor.Of([0f, 1, 0, 1], 1, 4);
        TestTensor sin = TestTensor.Of([1f, 0, 1, 0], 1, 4);
        Assert.Equal([-3f, 2, 1, 4], Reference.Floats(Rope.Instance, Attributes.Empty, x, cos, sin));
    }

    [Fact]
    public void Rope_uses_the_angle_of_each_half_and_each_token()
    {
        TestTensor x = TestTensor.Of([1f, 10, 2, 20, 3, 30, 4, 40], 2, 2, 2);
        TestTensor cos = TestTensor.Of([0.5f, 2, 3, 5], 2, 2);
        TestTensor sin = TestTensor.Of([4f, 8, 16, 32], 2, 2);
        Assert.Equal(
            [0.5f - 40, 20 + 8, 1 - 80, 40 + 16, 9 - 480, 150 + 96, 12 - 640, 200 + 128],
            Reference.Floats(Rope.Instance, Attributes.Empty, x, cos, sin));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    public void Qk_norm_rope_normalises_each_head_then_rotates_and_rounds_once(int width)
    {
        const int Tokens = 3, Heads = 2;
        float[] x = Reference.Random(1, Tokens * Heads * width);
        float[] weight = Reference.Random(2, width);
        float[] cos = Reference.Random(3, Tokens * width);
        float[] sin = Reference.Random(4, Tokens * width);
        List<double> expected = [];
        foreach ((int i, float[] head) in x.Chunk(width).Index())
        {
            double[] n = [.. Normed(head, weight, 1e-6)];
            int at = i / Heads * width;
            expected.AddRange(Enumerable.Range(0, width).Select(
                d => (n[d] * cos[at + d]) + ((d < width / 2 ? -n[d + (width / 2)] : n[d - (width / 2)]) * sin[at + d])));
        }

        // The heads come out of a wider projection, as strided parts of it.
        TestTensor wide = TestTensor.Of([.. x.Chunk(Heads * width).SelectMany(r => r.Append(9f))], Tokens, (Heads * width) + 1);
        TestTensor heads = wide.View([Tokens, Heads, width], [(Heads * width) + 1, width, 1]);
        float[] y = Reference.Floats(
            QkNormRope.Instance, new(("eps", 1e-6)), heads, TestTensor.Of(weight, width), TestTensor.Of(cos, Tokens, width),
            TestTensor.Of(sin, Tokens, width));
        Reference.AssertRounded(expected, y);
    }

    private static IEnumerable<double> Normed(float[] row, float[] weight, double eps)
    {
        double root = Math.Sqrt((row.Sum(v => (double)v * v) / row.Length) + eps);
        return row.Select((v, i) => v / root * weight[i]);
    }

    private static IEnumerable<double> Softmaxed(float[] row)
    {
        double max = row.Max();
        double sum = row.Sum(v => Math.Exp(v - max));
        return row.Select(v => Math.Exp(v - max) / sum);
    }

    private static double Silued(float x) => x / (1 + Math.Exp(-(double)x));
}
