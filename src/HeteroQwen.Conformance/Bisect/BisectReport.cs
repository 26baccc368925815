using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>The first op that is wrong.</summary>
/// <param name="Step">The step: 0 is the prefill, each later one is one token.</param>
/// <param name="Line">The op in the lowered graph, as the IR writes it.</param>
/// <param name="Reason">What is wrong, in one sentence.</param>
/// <param name="Result">Which result of the op; 0 where the backend failed.</param>
/// <param name="Index">The element that is furthest off; empty where the backend failed.</param>
/// <param name="Got">What the device made of it.</param>
/// <param name="Expected">What float64 makes of it from the device's own operands.</param>
/// <param name="Bound">The bound in words.</param>
public sealed record BisectFault(
    int Step, string Line, string Reason, int Result, ImmutableArray<long> Index, double Got, double Expected, string Bound)
{
    /// <summary>The smallest op that still fails, as the case file has it.</summary>
    public required string Smallest { get; init; }

    /// <summary>Its bindings.</summary>
    public required Bindings Bindings { get; init; }

    /// <summary>What is wrong with it.</summary>
    public required string SmallestReason { get; init; }

    /// <summary>Where it was saved; null where it is too large.</summary>
    public string? CaseFile { get; init; }
}

/// <summary>What a bisection found.</summary>
/// <param name="Compared">Results of ops that were compared.</param>
/// <param name="OnHost">Ops that the host ran and that were not compared.</param>
/// <param name="Fault">The first op that is wrong; null if none is.</param>
/// <param name="LogitsFault">Set where each op is right and the whole model's logits are not.</param>
public sealed record BisectReport(int Compared, IReadOnlyList<string> OnHost, BisectFault? Fault, string? LogitsFault)
{
    public bool IsRight => Fault is null && LogitsFault is null;
}
