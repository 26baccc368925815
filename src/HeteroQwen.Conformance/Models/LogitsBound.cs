using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>
/// How far a model's logits may be from the truth, as the README of the golden models has it: the largest difference in exact, and in
/// fast NMSE = sum((a - b)^2) / sum(b^2), by the coarsest rounding that the device declares and by the type of the KV cache.
/// </summary>
/// <param name="Largest">The largest difference of a logit; null where NMSE is judged.</param>
/// <param name="Nmse">The largest NMSE; infinite where logits need only be finite.</param>
/// <param name="ByRow">The median row's NMSE counts, since one rounding can flip an expert in a row.</param>
/// <param name="Words">The bound and where it comes from.</param>
internal sealed record LogitsBound(double? Largest, double Nmse, bool ByRow, string Words)
{
    private const double NothingRounded = 1e-10;

    /// <summary>Two runs that are each within this bound of the truth are within the result of each other.</summary>
    public LogitsBound BetweenRuns() => this with
    {
        Largest = 2 * Largest,
        Nmse = 4 * Nmse,
        Words = $"{Words}; twice that between two runs",
    };

    /// <summary>Two logits of a row with this rms that differ by more keep their order.</summary>
    public double Margin(double rms) => Largest is { } largest ? 2 * largest : 6 * Math.Sqrt(Nmse) * rms;

    /// <summary>For logits against a golden file.</summary>
    public static LogitsBound Golden(CaseContext context, Precision precision, ElementType kv, bool isMoe, bool hasOutliers)
    {
        if (precision == Precision.Exact && kv == ElementType.F32)
        {
            return context.Backend.Name == "reference"
                ? new(1e-5, 0, false, "1e-5 of float64, which f64 inside an op and f32 between ops keep")
                : new(1e-4, 0, false, "1e-4 of float64, which f32 throughout keeps");
        }

        return Rounded(context.Device.Capabilities, precision, kv, isMoe, hasOutliers);
    }

    /// <summary>For logits against another device's in exact, whatever the model's size.</summary>
    public static LogitsBound Rounded(Capabilities capabilities, Precision precision, ElementType kv, bool isMoe, bool hasOutliers = false)
    {
        Rounding coarsest = precision == Precision.Exact ? Rounding.None : Coarsest(capabilities);
        double operands = Of(coarsest, isMoe, hasOutliers);
        double cache = kv switch
        {
            ElementType.F16 => 1e-5,
            ElementType.BF16 => 3e-4,
            ElementType.Q8_0 => 1e-3,
            _ => 0,
        };
        string counted = isMoe ? "NMSE of the median row" : "NMSE";
        string words = double.IsFinite(operands)
            ? FormattableString.Invariant($"{counted} {operands + cache:g3}: {operands:g3} for {Name(coarsest)}, {cache:g3} for a cache of {kv.Name()}")
            : $"finite logits: {Name(coarsest)} has no bound where activations have outliers";
        return new(null, operands + cache, isMoe, words);
    }

    private static double Of(Rounding rounding, bool isMoe, bool hasOutliers) => rounding.Kind switch
    {
        RoundingKind.None => NothingRounded,
        RoundingKind.Int8 => hasOutliers ? double.PositiveInfinity : isMoe ? 2e-2 : 1.5e-3,
        _ when rounding.SignificandBits >= 11 => hasOutliers ? 1e-4 : 1e-5,
        _ => 3e-4 * Math.Pow(4, Math.Max(0, 8 - rounding.SignificandBits)),
    };

    /// <summary>The rounding with the loosest bound among all that the device declares for fast.</summary>
    private static Rounding Coarsest(Capabilities capabilities)
    {
        IEnumerable<Rounding> declared = capabilities.Numerics.Where(n => n.Precision == Precision.Fast)
            .SelectMany(n => (Rounding[])[n.Operands, n.Weights, n.Results]);
        Rounding expansion = capabilities.FastExpansion switch
        {
            _ when capabilities.Types.Contains(ElementType.F32) => Rounding.None,
            ElementType.F16 => new(RoundingKind.Float, 11, 15, 0, false),
            ElementType.BF16 => new(RoundingKind.Float, 8, 127, 0, false),
            _ => Rounding.None,
        };
        return declared.Append(expansion).MaxBy(r => Of(r, isMoe: false, hasOutliers: false));
    }

    private static string Name(Rounding rounding) => rounding.Kind switch
    {
        RoundingKind.None => "nothing rounded",
        RoundingKind.Int8 => "operands in int8",
        _ => $"operands of {rounding.SignificandBits} significant bits",
    };
}
