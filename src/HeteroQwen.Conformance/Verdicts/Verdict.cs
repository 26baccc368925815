namespace HeteroQwen.Conformance.Verdicts;

/// <summary>What a check found.</summary>
/// <param name="Passes">Every element is within its bound.</param>
/// <param name="Reason">Where it is not, in one sentence; null if it passes.</param>
/// <param name="Metrics">Figures and the bound in words.</param>
internal sealed record Verdict(bool Passes, string? Reason, CaseMetrics Metrics)
{
    /// <summary>Where the errors lie; bounded checks that fail have it.</summary>
    public ErrorMap? Errors { get; init; }

    /// <summary>Why the check could not have failed; null if it could.</summary>
    public string? Mistrusted { get; init; }
}

/// <summary>Values against an expectation with a bound for each element.</summary>
internal sealed class Comparison
{
    private const int MapSize = 64;

    private readonly long[] _dims;
    private readonly double[] _actual;
    private readonly double[] _expected;

    public Comparison(long[] dims, double[] actual, double[] expected, double[] bounds, double largest = double.PositiveInfinity)
    {
        (_dims, _actual, _expected) = (dims, actual, expected);
        Ratios = new double[actual.Length];
        for (int i = 0; i < actual.Length; i++)
        {
            Ratios[i] = Ratio(actual[i], expected[i], bounds[i], largest);
        }
    }

    /// <summary>Each error in units of its bound.</summary>
    public double[] Ratios { get; }

    public Verdict Judge(string bound)
    {
        int worst = Array.IndexOf(Ratios, Ratios.Max());
        double ratio = Ratios.Length == 0 ? 0 : Ratios[worst];
        CaseMetrics metrics = new(Finite(ratio), Nmse(), MaxUlp(), Bias(), bound);
        if (ratio <= 1)
        {
            return new Verdict(true, null, metrics);
        }

        int count = Ratios.Count(r => r > 1);
        string reason = FormattableString.Invariant(
            $"element {Place(worst)} is {_actual[worst]:R}, expected {_expected[worst]:R}: {Finite(ratio):G3} times its bound; {count} of {Ratios.Length} elements are beyond it");
        return new Verdict(false, reason, metrics) { Errors = Map() };
    }

    /// <summary>True if an expectation with a part left out is beyond the bound somewhere.</summary>
    public static bool WouldNotice(double[] dropped, double[] expected, double[] bounds)
    {
        for (int i = 0; i < dropped.Length; i++)
        {
            if (Ratio(dropped[i], expected[i], bounds[i], double.PositiveInfinity) > 1)
            {
                return true;
            }
        }

        return false;
    }

    internal static double Ratio(double actual, double expected, double bound, double largest)
    {
        if (double.IsNaN(expected) || double.IsNaN(actual))
        {
            return double.IsNaN(expected) && double.IsNaN(actual) ? 0 : double.PositiveInfinity;
        }

        double error = actual.Equals(expected) || actual == expected ? 0 : Math.Abs(actual - expected);
        if (double.IsInfinity(actual) && Math.Sign(actual) == Math.Sign(expected) && Math.Abs(expected) + bound > largest)
        {
            return 0;
        }

        return error == 0 ? 0 : bound > 0 ? error / bound : double.PositiveInfinity;
    }

    private static double Finite(double x) => double.IsFinite(x) ? x : 1e30;

    private string Place(int element)
    {
        long rest = element;
        long[] index = new long[_dims.Length];
        for (int axis = _dims.Length - 1; axis >= 0; axis--)
        {
            (rest, index[axis]) = Math.DivRem(rest, _dims[axis]);
        }

        return $"[{string.Join(", ", index)}]";
    }

    private double Nmse()
    {
        (double errors, double squares) = (0, 0);
        for (int i = 0; i < _actual.Length; i++)
        {
            double error = _actual[i] == _expected[i] ? 0 : _actual[i] - _expected[i];
            errors += error * error;
            squares += double.IsInfinity(_expected[i]) ? 0 : _expected[i] * _expected[i];
        }

        return errors == 0 ? 0 : Finite(errors / squares);
    }

    private double MaxUlp()
    {
        double most = 0;
        for (int i = 0; i < _actual.Length; i++)
        {
            double error = Math.Abs(_actual[i] - _expected[i]);
            most = error > 0 ? Math.Max(most, error / UlpVerdict.Ulp(_expected[i])) : most;
        }

        return Finite(most);
    }

    private double Bias()
    {
        int sum = 0;
        for (int i = 0; i < _actual.Length; i++)
        {
            sum += _actual[i] > _expected[i] ? 1 : _actual[i] < _expected[i] ? -1 : 0;
        }

        return _actual.Length == 0 ? 0 : (double)sum / _actual.Length;
    }

    private ErrorMap Map()
    {
        int width = _dims.Length == 0 ? 1 : (int)_dims[^1];
        int height = Ratios.Length / width;
        (int rows, int columns) = (Math.Min(MapSize, height), Math.Min(MapSize, width));
        float[] worst = new float[rows * columns];
        for (int i = 0; i < Ratios.Length; i++)
        {
            int cell = (int)((long)(i / width) * rows / height * columns) + (int)((long)(i % width) * columns / width);
            worst[cell] = Math.Max(worst[cell], (float)Finite(Ratios[i]));
        }

        return new ErrorMap(rows, columns, worst);
    }
}
