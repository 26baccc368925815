using HeteroQwen.Backends;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Tests.Verdicts;

public sealed class VerdictTests
{
    private static readonly Numerics s_f32 = new("*", Precision.Exact, Rounding.None, Rounding.None, Rounding.None, 24, false);
    private static readonly Rounding s_f16 = new(RoundingKind.Float, 11, 15, 0, false);

    [Theory]
    [InlineData(1.00048828125, 1.0)] // A tie goes to the even neighbour.
    [InlineData(1.00146484375, 1.001953125)]
    [InlineData(65519, 65504)]
    [InlineData(65520, double.PositiveInfinity)]
    [InlineData(-2.9e-8, -0.0)]
    [InlineData(3e-8, 5.9604644775390625e-8)]
    public void Round_to_f16_is_to_nearest_even(double x, double expected)
    {
        Assert.Equal(expected, FloatRounding.Round(x, s_f16, false));
        Assert.Equal(expected, (double)(Half)x);
    }

    [Fact]
    public void Round_flushes_and_truncates_as_declared()
    {
        Assert.Equal(0, FloatRounding.Round(3e-5, s_f16, true));
        Assert.Equal(1.0, FloatRounding.Round(1.0009, s_f16 with { Truncates = true }, false));
        Assert.Equal(65504, FloatRounding.Round(1e9, s_f16 with { Truncates = true }, false));
    }

    [Fact]
    public void Exact_takes_zeros_and_NaNs_for_one_but_no_other_bits()
    {
        Verdict Judged(double actual, double expected) => ExactVerdict.Judge([1], ElementType.F32, [actual], [expected], s_f32, "bits");

        Assert.True(Judged(-0.0, 0.0).Passes);
        Assert.True(Judged(double.NaN, double.NaN).Passes);
        Assert.True(Judged(double.NegativeInfinity, double.NegativeInfinity).Passes);
        Assert.False(Judged(double.NegativeInfinity, double.PositiveInfinity).Passes);
        Assert.False(Judged(double.NaN, 1).Passes);
        Assert.False(Judged(MathF.BitIncrement(1), 1).Passes);
    }

    [Fact]
    public void Exact_lets_a_device_flush_that_declares_it()
    {
        Numerics flushing = s_f32 with { FlushesSubnormals = true };

        Assert.True(ExactVerdict.Judge([1], ElementType.F32, [0], [1e-40], flushing, "bits").Passes);
        Assert.False(ExactVerdict.Judge([1], ElementType.F32, [0], [1e-40], s_f32, "bits").Passes);
        Assert.False(ExactVerdict.Judge([1], ElementType.F32, [0], [1e-30], flushing, "bits").Passes);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Ulp_allows_what_the_table_says(int steps, bool passes)
    {
        double actual = 1 + (steps * UlpVerdict.Ulp(1));

        Assert.Equal(passes, UlpVerdict.Judge([1], [actual], [1], s_f32, 3).Passes);
    }

    [Fact]
    public void Comparison_names_the_worst_element_and_maps_the_errors()
    {
        double[] expected = [.. Enumerable.Repeat(1.0, 130 * 3)];
        double[] actual = [.. expected];
        actual[(2 * 130) + 129] = 3;
        Verdict verdict = new Comparison([3, 130], actual, expected, [.. expected.Select(_ => 0.5)]).Judge("half");

        Assert.False(verdict.Passes);
        Assert.Contains("[2, 129]", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal(4, verdict.Metrics.Worst);
        Assert.Equal((3, 64), (verdict.Errors!.Rows, verdict.Errors.Columns));
        Assert.Equal(4f, verdict.Errors.Worst[^1]);
        Assert.Equal(1.0 / 390, verdict.Metrics.Bias, 6);
    }

    [Fact]
    public void Arithmetic_takes_the_outermost_op_that_is_named()
    {
        Numerics Entry(string op, int bits) => s_f32 with { Op = op, AccumulateBits = bits };
        Capabilities capabilities = new() { Types = [ElementType.F32], Numerics = [Entry("*", 11), Entry("softmax", 24), Entry("attention", 53)] };
        var arithmetic = Arithmetic.Declared(capabilities, Precision.Exact);

        Assert.Equal(53, arithmetic.For("attention", "softmax").AccumulateBits);
        Assert.Equal(24, arithmetic.For("softmax", "reduce").AccumulateBits);
        Assert.Equal(11, arithmetic.For("linear").AccumulateBits);
        Assert.Equal(24, Arithmetic.Declared(capabilities, Precision.Fast).For("linear").AccumulateBits);
    }
}
