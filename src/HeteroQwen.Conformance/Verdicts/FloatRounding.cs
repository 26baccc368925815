using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>Rounding of doubles as a device declares it. Slow and plain: the check of the checkers.</summary>
internal static class FloatRounding
{
    /// <summary>f32 as a declared format.</summary>
    public static Rounding F32 => new(RoundingKind.Float, 24, 127, 0, false);

    /// <summary>x in a float format: to nearest even or towards zero; beyond the largest finite value to infinity, or to it if truncating.</summary>
    public static double Round(double x, in Rounding format, bool flush)
    {
        if (x == 0 || !double.IsFinite(x))
        {
            return x;
        }

        int least = 1 - format.MaxExponent;
        int quantum = Math.Max(Math.ILogB(x), least) - format.SignificandBits + 1;
        double scaled = Math.ScaleB(x, -quantum);
        double rounded = Math.ScaleB(format.Truncates ? Math.Truncate(scaled) : Math.Round(scaled, MidpointRounding.ToEven), quantum);
        if (flush && Math.Abs(rounded) < Math.ScaleB(1, least))
        {
            return 0;
        }

        double most = Largest(format);
        return Math.Abs(rounded) <= most ? rounded : Math.CopySign(format.Truncates ? most : double.PositiveInfinity, x);
    }

    /// <summary>The largest finite value of a format.</summary>
    public static double Largest(in Rounding format) => Math.ScaleB(2 - Math.ScaleB(1, 1 - format.SignificandBits), format.MaxExponent);

    /// <summary>Unit roundoff: half a unit in the last place of 1, or a whole one if truncating.</summary>
    public static double Unit(in Rounding format) => Math.ScaleB(1, (format.Truncates ? 1 : 0) - format.SignificandBits);

    /// <summary>The smallest value above 0: normal if the device flushes, else subnormal.</summary>
    public static double Tiny(in Rounding format, bool flush) =>
        Math.ScaleB(1, 1 - format.MaxExponent + (flush ? 0 : 1 - format.SignificandBits));

    /// <summary>
    /// Values in rows of <paramref name="width"/>, rounded. A row that overflows a float format is scaled by a power of two, as a device
    /// must; int8 has one scale per block, max / 127.
    /// </summary>
    public static void RoundRows(Span<double> values, int width, in Rounding format, bool flush)
    {
        if (format.Kind == RoundingKind.None)
        {
            return;
        }

        for (int row = 0; row < values.Length; row += width)
        {
            Span<double> one = values.Slice(row, Math.Min(width, values.Length - row));
            if (format.Kind == RoundingKind.Float)
            {
                double scale = Scale(one, format);
                foreach (ref double x in one)
                {
                    x = Round(x / scale, format, flush) * scale;
                }

                continue;
            }

            int block = format.Block > 0 ? format.Block : width;
            for (int at = 0; at < one.Length; at += block)
            {
                RoundBlock(one.Slice(at, Math.Min(block, one.Length - at)), format.Truncates);
            }
        }
    }

    /// <summary>The largest error that the rounding makes in each value.</summary>
    public static double[] Errors(ReadOnlySpan<double> values, int width, in Rounding format, bool flush)
    {
        double[] errors = new double[values.Length];
        int block = format.Kind == RoundingKind.Int8 && format.Block > 0 ? format.Block : width;
        for (int row = 0; row < values.Length && format.Kind != RoundingKind.None; row += width)
        {
            ReadOnlySpan<double> one = values.Slice(row, Math.Min(width, values.Length - row));
            for (int at = 0; at < one.Length; at += block)
            {
                ReadOnlySpan<double> part = one.Slice(at, Math.Min(block, one.Length - at));
                double step = format.Kind == RoundingKind.Int8 ? Most(part) / 127 / 2 : Tiny(format, flush) * Scale(one, format) / 2;
                double unit = format.Kind == RoundingKind.Int8 ? 0 : Unit(format);
                for (int i = 0; i < part.Length; i++)
                {
                    errors[row + at + i] = Math.Max(Math.Abs(part[i]) * unit, step);
                }
            }
        }

        return errors;
    }

    /// <summary>1, or the power of two that brings the largest value of a row into the format's range.</summary>
    private static double Scale(ReadOnlySpan<double> row, in Rounding format)
    {
        double most = Most(row);
        return most > Largest(format) && double.IsFinite(most) ? Math.ScaleB(1, Math.ILogB(most) - format.MaxExponent + 1) : 1;
    }

    private static double Most(ReadOnlySpan<double> values)
    {
        double most = 0;
        foreach (double x in values)
        {
            most = Math.Max(most, Math.Abs(x));
        }

        return most;
    }

    private static void RoundBlock(Span<double> values, bool truncates)
    {
        double d = Most(values) / 127;
        foreach (ref double x in values)
        {
            x = d == 0 ? 0 : d * (truncates ? Math.Truncate(x / d) : Math.Round(x / d, MidpointRounding.ToEven));
        }
    }
}
