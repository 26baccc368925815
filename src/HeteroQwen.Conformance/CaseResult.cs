namespace HeteroQwen.Conformance;

/// <summary>How a case ended. None disappears: what did not run has its reason.</summary>
public enum CaseStatus
{
    Pass,
    Fail,

    /// <summary>The worker process died.</summary>
    Crash,

    /// <summary>The worker process did not answer in time.</summary>
    Hang,

    /// <summary>The device says that it does not do this, and why.</summary>
    Unsupported,

    /// <summary>The host did it, or a part of it.</summary>
    Fallback,

    /// <summary>A check that could not have failed: it would pass with a part of the expectation left out.</summary>
    Mistrusted,
}

/// <summary>Figures beside a verdict.</summary>
/// <param name="Worst">Largest error in units of its bound; above 1 fails.</param>
/// <param name="Nmse">sum((a - b)^2) / sum(b^2).</param>
/// <param name="MaxUlp">Largest error in units in the last place of f32.</param>
/// <param name="Bias">Share of elements above the expectation less the share below, -1 to 1.</param>
/// <param name="Bound">The bound in words and where it comes from.</param>
public sealed record CaseMetrics(double Worst, double Nmse, double MaxUlp, double Bias, string Bound);

/// <summary>Errors in units of their bound, as a grid no finer than 64 x 64: where in a result it went wrong.</summary>
public sealed record ErrorMap(int Rows, int Columns, float[] Worst);

/// <summary>What became of a case.</summary>
public sealed record CaseResult(string Id, CaseStatus Status, string? Reason)
{
    public CaseMetrics? Metrics { get; init; }

    public ErrorMap? Errors { get; init; }

    public double Seconds { get; init; }
}
