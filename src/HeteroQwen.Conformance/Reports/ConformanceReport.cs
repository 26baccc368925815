using System.Collections.Immutable;

namespace HeteroQwen.Conformance;

/// <summary>A fault that was put into a backend on purpose, and what became of it.</summary>
/// <param name="Name">The fault's name.</param>
/// <param name="Category">Where such faults sit.</param>
/// <param name="Description">What it does wrong.</param>
/// <param name="Fired">Whether the fault had any effect in the run.</param>
/// <param name="KilledBy">The case that found it; null if it survived.</param>
public sealed record MutantOutcome(string Name, string Category, string Description, bool Fired, string? KilledBy);

/// <summary>All that a run of the suite found out.</summary>
/// <param name="Survey">The device and its cases.</param>
/// <param name="Options">What was judged.</param>
/// <param name="Results">What became of the cases that were run.</param>
/// <param name="Levels">What follows from it.</param>
/// <param name="ReproPrefix">The command that runs this suite again, without a filter.</param>
public sealed record ConformanceReport(
    Survey Survey, SuiteOptions Options, ImmutableArray<CaseResult> Results, LevelReport Levels, string ReproPrefix)
{
    /// <summary>Outcomes of the mutants; empty where none were run.</summary>
    public ImmutableArray<MutantOutcome> Mutants { get; init; } = [];

    /// <summary>Share of mutants that were killed; null where none were run.</summary>
    public double? KillRate => Mutants.IsEmpty ? null : Mutants.Count(m => m.KilledBy is not null) / (double)Mutants.Length;

    /// <summary>Cases that a vendor has to look into, in order.</summary>
    public IEnumerable<CaseResult> Failures => Results.Where(r => IsFailure(r.Status));

    /// <summary>Cases that were not judged, each with its reason.</summary>
    public IEnumerable<CaseResult> Skips => Results.Where(r => r.Status is CaseStatus.Unsupported or CaseStatus.Fallback);

    public static bool IsFailure(CaseStatus status) =>
        status is CaseStatus.Fail or CaseStatus.Crash or CaseStatus.Hang or CaseStatus.Mistrusted;

    public int Count(CaseStatus status) => Results.Count(r => r.Status == status);

    /// <summary>One command that runs just this case again.</summary>
    public string Repro(string id) => $"{ReproPrefix} --filter {ShellWord.Quote(id)}";

    public CaseInfo CaseOf(CaseResult result) => _cases[result.Id];

    private readonly Dictionary<string, CaseInfo> _cases = Survey.Cases.ToDictionary(c => c.Id, StringComparer.Ordinal);
}
