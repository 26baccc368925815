using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>exp, rsqrt, reciprocal and div: a fixed table of units in the last place, no tighter than OpenCL's full profile.</summary>
internal static class UlpVerdict
{
    /// <summary>Units in the last place that an op may be off; null if the table does not have it.</summary>
    public static double? Allowed(string op, Attributes attributes) => (op, attributes.TryGet("kind", out AttributeValue kind) ? kind.Text : "") switch
    {
        ("unary", "exp") => 3,
        ("unary", "rsqrt") => 2,
        ("unary", "reciprocal") => 2.5,
        ("binary", "div") => 2.5,
        _ => null,
    };

    /// <summary>The unit in the last place of an f32.</summary>
    public static double Ulp(double x) => Math.ScaleB(1, Math.Max(x == 0 || !double.IsFinite(x) ? -126 : Math.ILogB(x), -126) - 23);

    public static Verdict Judge(long[] dims, double[] actual, double[] expected, Numerics numerics, double allowed)
    {
        Rounding format = Arithmetic.ResultFormat(numerics);
        double coarser = format == FloatRounding.F32 ? 0 : FloatRounding.Unit(format);
        double tiny = numerics.FlushesSubnormals ? FloatRounding.Tiny(format, true) : coarser == 0 ? 0 : FloatRounding.Tiny(format, false);
        double[] bounds = [.. expected.Select(y => (allowed * Ulp(y)) + (coarser * Math.Abs(y)) + tiny)];
        string words = FormattableString.Invariant($"{allowed} units in the last place of f32 (OpenCL full profile); {Arithmetic.Words(numerics)}");
        Verdict verdict = new Comparison(dims, actual, expected, bounds, FloatRounding.Largest(format)).Judge(words);
        bool notices = expected.All(y => y == 0) || Comparison.WouldNotice(new double[expected.Length], expected, bounds);
        return notices ? verdict : verdict with { Mistrusted = "zeros would pass" };
    }
}
