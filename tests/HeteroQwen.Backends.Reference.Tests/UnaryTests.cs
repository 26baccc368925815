using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class UnaryTests
{
    private const float Inf = float.PositiveInfinity;

    [Theory]
    [InlineData("neg", new[] { -0f, -1, 2, -Inf, float.NaN })]
    [InlineData("reciprocal", new[] { Inf, 1, -0.5f, 0, float.NaN })]
    public void Exact_kinds(string kind, float[] expected) =>
        Assert.Equal(expected, Reference.Floats(Unary.Instance, new(("kind", kind)), TestTensor.Of([0, 1, -2, Inf, float.NaN], 5)));

    [Fact]
    public void Exp_and_rsqrt_round_the_f64_function()
    {
        float[] x = [.. Reference.Random(1, 50, 30).Select(MathF.Abs), 0, 1e-40f, 88.8f];
        TestTensor tensor = TestTensor.Of(x, x.Length);
        float[] exp = Reference.Floats(Unary.Instance, new(("kind", "exp")), tensor);
        Reference.AssertRounded([.. x.Select(v => (double)(float)Math.Exp(v))], exp);
        float[] rsqrt = Reference.Floats(Unary.Instance, new(("kind", "rsqrt")), tensor);
        Reference.AssertRounded([.. x.Select(v => 1 / Math.Sqrt(v))], rsqrt);
    }

    [Theory]
    [InlineData(0, new[] { 5f, 7, 9 }, new[] { 4f, 5, 6 })]
    [InlineData(1, new[] { 6f, 15 }, new[] { 3f, 6 })]
    public void Reduce_keeps_the_axis_with_dimension_1(int axis, float[] sums, float[] maxima)
    {
        TestTensor x = TestTensor.Of([1f, 2, 3, 4, 5, 6], 2, 3);
        TestTensor sum = Reference.Run(Reduce.Instance, new(("axis", (long)axis), ("kind", "sum")), x)[0];
        Assert.Equal(sums, sum.Floats());
        Assert.Equal(1, sum.Dims[axis].Constant);
        Assert.Equal(maxima, Reference.Floats(Reduce.Instance, new(("axis", (long)axis), ("kind", "max")), x));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(257)]
    public void Reduce_sums_in_f64(int n)
    {
        float[] x = [1e20f, .. Reference.Random(2, n), -1e20f];
        float[] sum = Reference.Floats(Reduce.Instance, new(("axis", 0L), ("kind", "sum")), TestTensor.Of(x, x.Length));
        Reference.AssertRounded([x.Aggregate(0.0, (s, v) => s + v)], sum);
    }

    [Fact]
    public void Reduce_of_a_middle_axis_of_a_permuted_operand()
    {
        TestTensor x = TestTensor.Of(Reference.Random(3, 24), 2, 3, 4).View([4, 2, 3], [1, 12, 4]);
        float[] dense = x.Dense().Floats();
        var expected = Enumerable.Range(0, 12).Select(i => (i / 3 * 6) + (i % 3)).Select(at => (double)dense[at] + dense[at + 3]);
        Reference.AssertRounded([.. expected], Reference.Floats(Reduce.Instance, new(("axis", 1L), ("kind", "sum")), x));
    }

    [Fact]
    public void Max_of_minus_infinity_and_of_NaN()
    {
        TestTensor x = TestTensor.Of([-Inf, -Inf, 1, float.NaN], 2, 2);
        Assert.Equal([-Inf, float.NaN], Reference.Floats(Reduce.Instance, new(("axis", 1L), ("kind", "max")), x));
    }
}
