using HeteroQwen.Backends;

namespace HeteroQwen.Cli.Bench;

/// <summary>A device's limits as measured beside a test; null what it does not say.</summary>
/// <param name="Bytes">Bytes a second, read in order.</param>
/// <param name="Unit">What computes the products.</param>
/// <param name="Operations">What that reaches in a second.</param>
internal sealed record Roof(double? Bytes, string? Unit, double? Operations)
{
    /// <summary>What the device says; a limit that is none counts as not said.</summary>
    public static Roof Of(Peaks? peaks)
    {
        static double? Positive(double? value) => value is > 0 and < double.PositiveInfinity ? value : null;
        double? operations = Positive(peaks?.OperationsPerSecond);
        return new(Positive(peaks?.BytesPerSecond), operations is null ? null : peaks?.Unit, operations);
    }

    /// <summary>The higher of two measurements, since only what else the machine does lowers them.</summary>
    public Roof Or(Roof other) => new(Higher(Bytes, other.Bytes), Unit ?? other.Unit, Higher(Operations, other.Operations));

    /// <summary>Percent of the limit of reading; null where that is not known.</summary>
    public double? PercentOfBytes(double perSecond) => 100 * perSecond / Bytes;

    /// <summary>Percent of the limit of arithmetic; null where that is not known.</summary>
    public double? PercentOfOperations(double perSecond) => 100 * perSecond / Operations;

    /// <summary>Percent of the limit that is nearer, and which it is; null where either is not known.</summary>
    public (double Percent, string Bound)? Nearest(double bytes, double operations) =>
        PercentOfBytes(bytes) is not { } memory || PercentOfOperations(operations) is not { } compute ? null
        : memory >= compute ? (memory, "memory") : (compute, "compute");

    private static double? Higher(double? left, double? right) => left is null || right > left ? right : left;
}
