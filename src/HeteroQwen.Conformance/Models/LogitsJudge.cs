using HeteroQwen.Generation;

namespace HeteroQwen.Conformance;

/// <summary>What comparing logits gave.</summary>
/// <param name="Fault">What is wrong, in a few words; null if nothing is.</param>
/// <param name="Metrics">Figures beside it.</param>
/// <param name="Errors">Rows by vocabulary.</param>
internal sealed record LogitsVerdict(string? Fault, CaseMetrics Metrics, ErrorMap Errors);

/// <summary>Compares rows of logits with the truth within a bound; the best token counts wherever the truth's margin exceeds it.</summary>
internal static class LogitsJudge
{
    private const int MostCells = 64;

    /// <param name="truth">Rows of logits.</param>
    /// <param name="got">The device's, as many.</param>
    /// <param name="positions">Position of each row, for messages.</param>
    /// <param name="bound">How far apart they may be.</param>
    public static LogitsVerdict Judge(double[][] truth, float[][] got, IReadOnlyList<int> positions, LogitsBound bound)
    {
        double[] rowNmse = [.. truth.Zip(got, Nmse)];
        double nmse = bound.ByRow ? Median(rowNmse) : Ratio(truth.Zip(got, Squares).Aggregate((a, b) => (a.Error + b.Error, a.Truth + b.Truth)));
        double largest = truth.Zip(got, Largest).Max();
        double worst = bound.Largest is { } most ? largest / most : double.IsFinite(bound.Nmse) ? nmse / bound.Nmse : 0;
        CaseMetrics metrics = new(worst, nmse, MaxUlp(truth, got), Bias(truth, got), bound.Words);
        string? fault = NotFinite(got, positions)
            ?? (worst <= 1 ? null : bound.Largest is not null
                ? FormattableString.Invariant($"{Where(truth, got, positions)}, {largest:g3} off; bound {bound.Words}")
                : FormattableString.Invariant($"NMSE {nmse:g3}, most in {Where(truth, got, positions)}; bound {bound.Words}"))
            ?? OtherBest(truth, got, positions, rowNmse, bound);
        return new(fault, metrics, Map(truth, got, bound));
    }

    /// <summary>Where two runs differ that should be the same bit for bit; null if they do not.</summary>
    public static string? Differing(float[][] expected, float[][] got)
    {
        for (int row = 0; row < expected.Length; row++)
        {
            for (int i = 0; i < expected[row].Length; i++)
            {
                if (BitConverter.SingleToInt32Bits(expected[row][i]) != BitConverter.SingleToInt32Bits(got[row][i]))
                {
                    return FormattableString.Invariant(
                        $"logit {i} of row {row} is {got[row][i]:g9} and was {expected[row][i]:g9}, though the device declares itself batch-invariant");
                }
            }
        }

        return null;
    }

    private static string? NotFinite(float[][] got, IReadOnlyList<int> positions)
    {
        int row = Array.FindIndex(got, r => r.Any(v => !float.IsFinite(v)));
        return row < 0 ? null : $"logit {Array.FindIndex(got[row], v => !float.IsFinite(v))} at position {positions[row]} is not finite";
    }

    private static string? OtherBest(
        double[][] truth, float[][] got, IReadOnlyList<int> positions, double[] rowNmse, LogitsBound bound)
    {
        for (int row = 0; row < truth.Length; row++)
        {
            // A row in which an expert flipped has its own text.
            if (bound.ByRow && rowNmse[row] > bound.Nmse)
            {
                continue;
            }

            Choice best = Greedy.Choose([.. truth[row].Select(v => (float)v)]);
            int chosen = Greedy.Choose(got[row]).Id;
            if (chosen != best.Id && best.Margin > bound.Margin(best.Rms))
            {
                return FormattableString.Invariant(
                    $"the best token at position {positions[row]} is {chosen}, not {best.Id}, which leads by {best.Margin:g3}");
            }
        }

        return null;
    }

    private static string Where(double[][] truth, float[][] got, IReadOnlyList<int> positions)
    {
        int row = Enumerable.Range(0, truth.Length).MaxBy(i => Largest(truth[i], got[i]));
        int at = Enumerable.Range(0, truth[row].Length).MaxBy(i => Math.Abs(got[row][i] - truth[row][i]));
        return FormattableString.Invariant($"logit {at} at position {positions[row]}: {got[row][at]:g7} for {truth[row][at]:g7}");
    }

    private static (double Error, double Truth) Squares(double[] truth, float[] got)
    {
        (double error, double sum) = (0, 0);
        for (int i = 0; i < truth.Length; i++)
        {
            error += (got[i] - truth[i]) * (got[i] - truth[i]);
            sum += truth[i] * truth[i];
        }

        return (error, sum);
    }

    private static double Nmse(double[] truth, float[] got) => Ratio(Squares(truth, got));

    private static double Ratio((double Error, double Truth) squares) => squares.Error == 0 ? 0 : squares.Error / squares.Truth;

    private static double Largest(double[] truth, float[] got)
    {
        double largest = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            double error = Math.Abs(got[i] - truth[i]);
            largest = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(largest, error);
        }

        return largest;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static double MaxUlp(double[][] truth, float[][] got) => truth.Zip(got, (t, g) => t.Zip(
        g, (a, b) => Math.Abs(b - a) / Math.Abs((double)MathF.BitIncrement(MathF.Abs((float)a)) - MathF.Abs((float)a))).Max()).Max();

    private static double Bias(double[][] truth, float[][] got) =>
        truth.Zip(got, (t, g) => t.Zip(g, (a, b) => b > a ? 1.0 : b < a ? -1.0 : 0.0).Average()).Average();

    private static ErrorMap Map(double[][] truth, float[][] got, LogitsBound bound)
    {
        int vocab = truth[0].Length;
        (int rows, int columns) = (Math.Min(truth.Length, MostCells), Math.Min(vocab, MostCells));
        float[] cells = new float[rows * columns];
        for (int row = 0; row < truth.Length; row++)
        {
            // In fast a logit has no bound of its own: errors are shown in units of what the row's rms and the NMSE allow on the average.
            double unit = bound.Largest ?? Math.Sqrt(Math.Max(bound.Nmse, 1e-30) * truth[row].Average(v => v * v));
            for (int i = 0; i < vocab; i++)
            {
                ref float cell = ref cells[(row * rows / truth.Length * columns) + (int)((long)i * columns / vocab)];
                cell = Math.Max(cell, (float)(Math.Abs(got[row][i] - truth[row][i]) / unit));
            }
        }

        return new ErrorMap(rows, columns, cells);
    }
}
