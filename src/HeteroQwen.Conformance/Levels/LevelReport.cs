using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>One step of the ladder.</summary>
/// <param name="Level"><c>L0</c> to <c>L5</c>.</param>
/// <param name="Means">What it takes.</param>
/// <param name="Barriers">What keeps the device from it, the steps below not counted; empty if nothing does.</param>
public sealed record LevelStep(string Level, string Means, ImmutableArray<string> Barriers);

/// <summary>The ladder in one precision.</summary>
public sealed record Ladder(Precision Precision, ImmutableArray<LevelStep> Steps)
{
    /// <summary>The highest level that is reached with all below it; null if not even L0 is.</summary>
    public string? Level => Steps.TakeWhile(s => s.Barriers.IsEmpty).LastOrDefault()?.Level;
}

/// <summary>What the suite found out about a device as a whole.</summary>
/// <param name="Ladders">One for each precision that was judged; empty where not all cases ran.</param>
/// <param name="HostFallback">The host takes a part of a dense model or of one with experts.</param>
/// <param name="BatchInvariant">Declared, and every case of it passed.</param>
/// <param name="KernelsFromResident">Distinct ops that the host takes.</param>
public sealed record LevelReport(ImmutableArray<Ladder> Ladders, bool HostFallback, bool BatchInvariant, int KernelsFromResident)
{
    /// <summary>The level, which is one of fast.</summary>
    public string? Level => LevelIn(Precision.Fast);

    public string? LevelExact => LevelIn(Precision.Exact);

    private string? LevelIn(Precision precision) => Ladders.FirstOrDefault(l => l.Precision == precision)?.Level;
}
