using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>What the cases of an op in one precision measured, beside what the device declares of it.</summary>
/// <param name="Op">The op.</param>
/// <param name="Precision">The precision.</param>
/// <param name="Declared">The device's entry for the op, or for all; null where it declares nothing, which means f32 throughout.</param>
/// <param name="Cases">Cases that measured something.</param>
/// <param name="Worst">The largest error in units of its bound.</param>
/// <param name="MaxUlp">The largest error in units in the last place of f32.</param>
/// <param name="Nmse">The largest.</param>
/// <param name="Bias">The mean.</param>
public sealed record Observed(
    string Op, Precision Precision, Numerics? Declared, int Cases, double Worst, double MaxUlp, double Nmse, double Bias)
{
    public static ImmutableArray<Observed> Of(ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return
        [
            .. from result in report.Results
               where result.Metrics is not null
               let info = report.CaseOf(result)
               where info.Op is not null && info.Precision is not null
               group result.Metrics! by (info.Op!, info.Precision!.Value) into measured
               orderby measured.Key.Item1, measured.Key.Item2
               select Summary(report.Survey.Device, measured.Key.Item1, measured.Key.Item2, [.. measured]),
        ];
    }

    /// <summary>Such as <c>int8 per 32</c>.</summary>
    public static string Describe(Rounding rounding) => rounding.Kind switch
    {
        RoundingKind.None => "f32",
        RoundingKind.Int8 => rounding.Block == 0 ? "int8 per row" : $"int8 per {rounding.Block}",
        _ => $"{FloatName(rounding)}{(rounding.Truncates ? ", truncated" : "")}",
    };

    private static string FloatName(Rounding rounding) => (rounding.SignificandBits, rounding.MaxExponent) switch
    {
        (11, 15) => "f16",
        (8, 127) => "bf16",
        (11, 127) => "tf32",
        (24, 127) => "f32",
        var (bits, exponent) => $"float of {bits} bits to 2^{exponent}",
    };

    private static Observed Summary(DeviceFacts device, string op, Precision precision, CaseMetrics[] metrics) => new(
        op,
        precision,
        device.Numerics.FirstOrDefault(n => n.Op == op && n.Precision == precision)
            ?? device.Numerics.FirstOrDefault(n => n.Op == "*" && n.Precision == precision),
        metrics.Length,
        metrics.Max(m => m.Worst),
        metrics.Max(m => m.MaxUlp),
        metrics.Max(m => m.Nmse),
        metrics.Average(m => m.Bias));
}
