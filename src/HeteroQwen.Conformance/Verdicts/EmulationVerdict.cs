
namespace HeteroQwen.Conformance.Verdicts;

/// <summary>
/// Composites: the opened form in f64, and again as declared. The device may be 3 times as far from f64 as the emulation in each row's
/// rms, and 8 row-rms in any element. An emulated rms counts as no less than u_out times the row's largest |y|, and than the case's median,
/// in rows of fewer than 32 elements than twice the relative rms of all rows.
/// The sums are taken in several orders and the largest rms counts: in a row whose elements share one error, as those of a peaked softmax
/// do, a single order may happen to be right.
/// </summary>
internal static class EmulationVerdict
{
    private const double RowFactor = 3;
    private const double ElementFactor = 8;
    private const int NarrowRow = 32;

    public static Verdict Judge(Plain exact, IReadOnlyList<Plain> emulated, Plain dropped, double[] actual, double unit, string words)
    {
        int width = Math.Max(1, exact.Width);
        double[] scales = Scales(exact.Values, [.. emulated.Select(e => e.Values)], width, unit);
        double[] bounds = [.. exact.Values.Select((_, i) => ElementFactor * scales[i / width])];
        Comparison comparison = new(exact.Dims, actual, exact.Values, bounds, FloatRounding.Largest(FloatRounding.F32));
        Verdict verdict = comparison.Judge(
            $"3 times as far from f64 as the emulation in each row's rms, 8 in any element, floors u_out max|y| and the median row{(width < NarrowRow ? ", in narrow rows twice the relative rms of all" : "")}; {words}");
        if (verdict.Passes)
        {
            verdict = JudgeRows(verdict, exact.Values, actual, scales, width);
        }

        bool isZero = exact.Values.All(y => y == 0);
        bool notices = isZero || Comparison.WouldNotice(dropped.Values, exact.Values, bounds)
            || WorstRow(exact.Values, dropped.Values, scales, width).Ratio > 1;
        return notices ? verdict : verdict with { Mistrusted = "a block of terms, an entry or a row could be left out" };
    }

    /// <summary>The rms of the emulation's errors in each row, floors included.</summary>
    public static double[] Scales(double[] exact, double[][] emulated, int width, double unit)
    {
        double[] rms = new double[exact.Length / width];
        double[] most = new double[rms.Length];
        for (int row = 0; row < rms.Length; row++)
        {
            rms[row] = emulated.Max(e => Rms(exact.AsSpan(row * width, width), e.AsSpan(row * width, width)));
            foreach (double y in exact.AsSpan(row * width, width))
            {
                most[row] = double.IsFinite(y) ? Math.Max(most[row], Math.Abs(y)) : most[row];
            }
        }

        double[] sorted = [.. rms.Order()];
        double median = sorted.Length == 0 ? 0 : sorted[sorted.Length / 2];
        double relative = Math.Max(unit, width < NarrowRow ? Pooled(rms, most) : 0);
        return [.. rms.Select((r, row) => Math.Max(Math.Max(r, median), relative * most[row]))];
    }

    /// <summary>
    /// Twice the rms of all rows' relative errors: the few elements of a narrow row say little of what its error may be, and those of a
    /// peaked softmax share one. (Without the factor the CPU's attention, which is right, came to 1.03 of its bound in 1 of 20 seeds.)
    /// </summary>
    private static double Pooled(double[] rms, double[] most)
    {
        double sum = 0;
        int rows = 0;
        for (int row = 0; row < rms.Length; row++)
        {
            double relative = most[row] > 0 ? rms[row] / most[row] : 0;
            sum += relative * relative;
            rows += most[row] > 0 ? 1 : 0;
        }

        return rows == 0 || !double.IsFinite(sum) ? 0 : 2 * Math.Sqrt(sum / rows);
    }

    private static Verdict JudgeRows(Verdict verdict, double[] exact, double[] actual, double[] scales, int width)
    {
        (int row, double ratio) = WorstRow(exact, actual, scales, width);
        CaseMetrics metrics = verdict.Metrics with { Worst = Math.Max(verdict.Metrics.Worst, ratio) };
        string reason = FormattableString.Invariant($"the rms of row {row} is {ratio:G3} times its bound");
        return ratio <= 1 ? verdict with { Metrics = metrics } : verdict with { Passes = false, Reason = reason, Metrics = metrics };
    }

    private static (int Row, double Ratio) WorstRow(double[] exact, double[] actual, double[] scales, int width)
    {
        (int worst, double most) = (0, 0);
        for (int row = 0; row < scales.Length; row++)
        {
            double rms = Rms(exact.AsSpan(row * width, width), actual.AsSpan(row * width, width));
            double ratio = rms == 0 ? 0 : rms / (RowFactor * scales[row]);
            (worst, most) = ratio > most ? (row, ratio) : (worst, most);
        }

        return (worst, most);
    }

    private static double Rms(ReadOnlySpan<double> exact, ReadOnlySpan<double> other)
    {
        double sum = 0;
        for (int i = 0; i < exact.Length; i++)
        {
            double error = exact[i].Equals(other[i]) ? 0 : other[i] - exact[i];
            sum += error * error;
        }

        return Math.Sqrt(sum / Math.Max(1, exact.Length));
    }
}
