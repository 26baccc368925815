using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;

namespace HeteroQwen.Conformance.Tests.Verdicts;

/// <summary>
/// The constants of the product bound, checked before they are trusted: right products in each declared type, summed one after the other or
/// in blocks, raise no alarm in a million elements, and a dropped block of 32 terms is seen.
/// </summary>
public sealed class ProductSimulationTests
{
    private const int Rows = 204;
    private const int Columns = 205;
    private const int Block = 16;

    private static readonly Dictionary<string, Rounding> s_formats = new()
    {
        ["f32"] = Rounding.None,
        ["f16"] = new(RoundingKind.Float, 11, 15, 0, false),
        ["bf16"] = new(RoundingKind.Float, 8, 127, 0, false),
        ["bf16 truncated"] = new(RoundingKind.Float, 8, 127, 0, true),
        ["int8"] = new(RoundingKind.Int8, 0, 0, 32, false),
    };

    private static readonly Dictionary<string, Func<CaseRandom, double>> s_draws = new()
    {
        ["gaussian"] = r => r.Normal(),
        ["one-signed"] = r => Math.Abs(r.Normal()),
        ["heavy-tailed"] = r => r.Normal() * Math.Exp(0.8 * r.Normal()),
    };

    public static TheoryData<string, string, bool> Kinds
    {
        get
        {
            TheoryData<string, string, bool> kinds = [];
            foreach (string format in s_formats.Keys)
            {
                foreach (string draw in s_draws.Keys)
                {
                    kinds.Add(format, draw, false);
                    kinds.Add(format, draw, true);
                }
            }

            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bound_right_products_raise_no_alarm(string format, string draw, bool isBlocked)
    {
        foreach ((int rows, int columns, int k) in new[] { (Rows, Columns, 64), (9, 7, 1), (9, 7, 33), (6, 5, 4096) })
        {
            ProductForm form = Form(format, draw, rows, columns, k);
            ProductBound bound = ProductVerdict.Bound(form, Declared(format));
            double[] actual = Simulate(form.Rounded(Declared(format)), isBlocked);
            double worst = new Comparison(form.Dims, actual, bound.Expected, bound.Bounds).Ratios.Max();
            Assert.True(worst < 0.95 || (k == 1 && worst <= 1), $"K = {k}: {worst}");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bound_a_dropped_block_of_4096_terms_is_beyond_it(string format, string draw, bool isBlocked)
    {
        ProductForm form = Form(format, draw, 12, 10, 4096);
        ProductBound bound = ProductVerdict.Bound(form, Declared(format));
        int from = isBlocked ? 1024 : 4096 - 32;
        double[] a = [.. form.A.Select((x, i) => i % 4096 >= from && i % 4096 < from + 32 ? 0 : x)];
        double[] dropped = Simulate((form with { A = a }).Rounded(Declared(format)), isBlocked);
        double seen = new Comparison(form.Dims, dropped, bound.Expected, bound.Bounds).Ratios.Average(r => r > 1 ? 1.0 : 0);
        Assert.Null(bound.Mistrusted);
        Assert.True(seen > 0.2, $"{seen:P0} of the elements are beyond the bound");
    }

    [Fact]
    public void Bound_counts_a_case_as_mistrusted_that_no_dropped_block_can_fail()
    {
        double[] a = new double[64];
        a[0] = 1e9;
        a[63] = 1e-3;
        ProductForm form = new(a, [.. Enumerable.Repeat(1.0, 64)], false, true, false, 64, _ => (0, 0), [1, 1], []);

        Assert.NotNull(ProductVerdict.Bound(form, Declared("f32")).Mistrusted);
    }

    private static Numerics Declared(string format) => new("*", Precision.Fast, s_formats[format], s_formats[format], Rounding.None, 24, false);

    private static ProductForm Form(string format, string draw, int rows, int columns, int k)
    {
        CaseRandom random = new($"{format} {draw} {rows} {k}", 5);
        double[] Values(int count) => [.. random.Values(count, s_draws[draw]).Select(x => (double)(float)x)];
        return new(
            Values(rows * k), Values(columns * k), false, true, false, k, i => (i / columns * k, i % columns * k), [rows, columns], []);
    }

    /// <summary>Sums in f32 of products of the rounded operands, in one chain or in chains of 16 that are then added.</summary>
    private static double[] Simulate(ProductForm form, bool isBlocked)
    {
        float[] a = [.. form.A.Select(x => (float)x)];
        float[] b = [.. form.B.Select(x => (float)x)];
        double[] results = new double[form.Elements];
        for (int i = 0; i < results.Length; i++)
        {
            (long aAt, long bAt) = form.At(i);
            int step = isBlocked ? Block : form.K;
            float sum = 0;
            for (int from = 0; from < form.K; from += step)
            {
                float part = 0;
                for (int k = from; k < Math.Min(from + step, form.K); k++)
                {
                    part += a[aAt + k] * b[bAt + k];
                }

                sum += part;
            }

            results[i] = sum;
        }

        return results;
    }
}
