using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>
/// Products and sums, component by component:
/// <code>
/// |err| &lt;= 4 sqrt(sum (b e(a))^2 + (a e(b))^2) + 4 u_acc sqrt(K) sqrt(sum (ab)^2 + y^2) + u_out |y| + K tiny_acc + tiny_out
/// </code>
/// with e() the largest error of the declared rounding of each operand and u unit roundoffs. If rounding truncates, K stands for
/// sqrt(K), u is doubled, and the expectation is taken from the truncated operands with e() = 0.
/// </summary>
internal static class ProductVerdict
{
    private const int DroppedTerms = 32;

    public static Verdict Judge(ProductForm form, double[] actual, Numerics numerics)
    {
        ProductBound bound = Bound(form, numerics);
        Verdict verdict = new Comparison(form.Dims, actual, bound.Expected, bound.Bounds, bound.Largest).Judge(bound.Words);
        return verdict with { Mistrusted = bound.Mistrusted };
    }

    /// <summary>Small integers whose partial sums are exact in any order.</summary>
    public static Verdict JudgeProbe(ProductForm form, double[] actual, Numerics numerics)
    {
        Rounding format = Arithmetic.ResultFormat(numerics);
        double[] expected = [.. Bound(form, numerics).Expected.Select(y => FloatRounding.Round(y, format, numerics.FlushesSubnormals))];
        string words = $"bit-equal: integers whose partial sums are exact in {numerics.AccumulateBits} bits whatever the order";
        return new Comparison(form.Dims, actual, expected, new double[actual.Length]).Judge(words);
    }

    /// <summary>Expectations, bounds, and whether the loss of 32 terms would be noticed.</summary>
    public static ProductBound Bound(ProductForm form, Numerics numerics)
    {
        bool truncates = numerics.Operands.Truncates || numerics.Weights.Truncates || numerics.Results.Truncates;
        form = truncates ? form.Rounded(numerics) : form;
        bool flush = numerics.FlushesSubnormals;
        double[] Errors(double[] values, bool isWeight) => truncates
            ? new double[values.Length]
            : FloatRounding.Errors(values, form.K, isWeight ? numerics.Weights : numerics.Operands, flush);
        double[] ea = Errors(form.A, form.AIsWeight);
        double[] eb = form.IsSum ? new double[form.K] : Errors(form.B, form.BIsWeight);
        Rounding format = Arithmetic.ResultFormat(numerics);
        double unit = Math.ScaleB(truncates ? 2 : 1, -numerics.AccumulateBits);
        double spread = 4 * unit * (truncates ? form.K : Math.Sqrt(form.K));
        double slack = (form.K * FloatRounding.Tiny(FloatRounding.F32, flush)) + FloatRounding.Tiny(format, flush);
        double[] expected = new double[form.Elements];
        double[] bounds = new double[form.Elements];
        bool seesLast = false;
        bool seesFirst = false;
        for (long i = 0; i < expected.Length; i++)
        {
            (long a, long b) = form.At(i);
            Sums sums = Sums.Of(form, (int)a, (int)b, ea, eb);
            double bias = form.Bias.Length == 0 ? 0 : form.Bias[i % form.Bias.Length];
            double y = sums.Product + bias;
            double squares = sums.Squares + (bias * bias) + (y * y);
            expected[i] = y;
            bounds[i] = (4 * Math.Sqrt(sums.Rounding)) + (spread * Math.Sqrt(squares)) + (FloatRounding.Unit(format) * Math.Abs(y)) + slack;
            seesLast |= Math.Abs(sums.Last) > bounds[i];
            seesFirst |= Math.Abs(sums.First) > bounds[i];
        }

        string words = $"4 sqrt(sum (b e(a))^2 + (a e(b))^2) + 4 u_acc {(truncates ? "K" : "sqrt(K)")} sqrt(sum (ab)^2 + y^2) + u_out |y| "
            + $"+ K tiny_acc + tiny_out, K = {form.K}, as declared for {numerics.Op}: {Arithmetic.Words(numerics)}";
        string? mistrusted = !seesLast ? "the last 32 terms could be left out" : !seesFirst ? "the first 32 terms could be left out" : null;
        return new ProductBound(expected, bounds, FloatRounding.Largest(format), words, mistrusted);
    }

    /// <summary>The sums of one element.</summary>
    /// <param name="Product">sum ab.</param>
    /// <param name="Squares">sum (ab)^2.</param>
    /// <param name="Rounding">sum (b e(a))^2 + (a e(b))^2.</param>
    /// <param name="First">What the first 32 terms add up to.</param>
    /// <param name="Last">What the last 32 terms add up to.</param>
    private readonly record struct Sums(double Product, double Squares, double Rounding, double First, double Last)
    {
        public static Sums Of(ProductForm form, int a, int b, double[] ea, double[] eb)
        {
            (double product, double squares, double rounding, double first, double last) = (0, 0, 0, 0, 0);
            for (int k = 0; k < form.K; k++)
            {
                (double x, double w) = (form.A[a + k], form.B[b + k]);
                double term = x * w;
                (double ofA, double ofB) = (w * ea[a + k], x * eb[b + k]);
                product += term;
                squares += term * term;
                rounding += (ofA * ofA) + (ofB * ofB);
                first += k < DroppedTerms ? term : 0;
                last += k >= form.K - DroppedTerms ? term : 0;
            }

            return new(product, squares, rounding, first, last);
        }
    }
}

/// <summary>What a product must be and how far off it may be.</summary>
/// <param name="Expected">In f64.</param>
/// <param name="Bounds">For each element.</param>
/// <param name="Largest">Beyond it an infinity is right.</param>
/// <param name="Words">The bound in words.</param>
/// <param name="Mistrusted">What could be left out unnoticed; null if nothing.</param>
internal sealed record ProductBound(double[] Expected, double[] Bounds, double Largest, string Words, string? Mistrusted);
