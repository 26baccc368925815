using HeteroQwen.Conformance;

namespace HeteroQwen.Cli;

/// <summary>The report as text: failures first, then what was skipped and why, counts, and the level.</summary>
internal sealed class ConformPage(Terminal terminal, ConformanceReport report)
{
    private const int MostFailures = 50;
    private const int MostReasons = 20;

    public void Write(string? folder)
    {
        WriteFailures();
        WriteSkips();
        DeviceFacts device = report.Survey.Device;
        double seconds = report.Results.Sum(r => r.Seconds);
        Line($"{device.Id} ({device.Name}), {report.Results.Length} cases in {seconds:0.0} s: {Counts()}");
        WriteLevels();
        if (report.KillRate is { } rate)
        {
            WriteMutants();
            Line($"mutants: {report.Mutants.Count(m => m.KilledBy is not null)} of {report.Mutants.Length} killed ({100 * rate:0.0} %)");
        }

        if (folder is not null)
        {
            Line($"report: {Path.Combine(folder, ReportFolder.Html)}");
        }
    }

    private string Counts() => string.Join(", ", Enum.GetValues<CaseStatus>()
        .Where(s => s == CaseStatus.Pass || report.Count(s) > 0)
        .Select(s => $"{report.Count(s)} {s.ToString().ToLowerInvariant()}"));

    private void WriteFailures()
    {
        CaseResult[] failures = [.. report.Failures];
        foreach (CaseResult failure in failures.Take(MostFailures))
        {
            Line($"{failure.Status.ToString().ToUpperInvariant()} {failure.Id}");
            Line($"  {failure.Reason}");
            Line($"  {report.Repro(failure.Id)}");
        }

        if (failures.Length > MostFailures)
        {
            Line($"and {failures.Length - MostFailures} more failures; --report DIR or --json lists all");
        }

        if (failures.Length > 0)
        {
            Line("");
        }
    }

    /// <summary>Skips with the same reason are one line.</summary>
    private void WriteSkips()
    {
        var groups = report.Skips.GroupBy(s => (s.Status, s.Reason)).OrderByDescending(g => g.Count()).ToArray();
        foreach (var group in groups.Take(MostReasons))
        {
            string more = group.Count() > 1 ? $" and {group.Count() - 1} more" : "";
            Line($"{group.Key.Status.ToString().ToLowerInvariant()}: {group.First().Id}{more}: {group.Key.Reason}");
        }

        if (groups.Length > MostReasons)
        {
            Line($"and {groups.Skip(MostReasons).Sum(g => g.Count())} more skips; --report DIR or --json lists all");
        }

        if (groups.Length > 0)
        {
            Line("");
        }
    }

    private void WriteLevels()
    {
        if (report.Levels.Ladders.IsEmpty)
        {
            Line("no level: not all cases were run");
            return;
        }

        foreach (Ladder ladder in report.Levels.Ladders.OrderByDescending(l => l.Precision))
        {
            Line($"level in {ladder.Precision.ToString().ToLowerInvariant()}: {ladder.Level ?? "none"}");
            if (ladder.Steps.FirstOrDefault(s => !s.Barriers.IsEmpty) is { } next)
            {
                Line($"  {next.Level} takes that {next.Means}; {string.Join("; ", next.Barriers)}");
            }
        }

        int away = report.Levels.KernelsFromResident;
        string invariant = report.Levels.BatchInvariant ? "batch-invariant" : "not batch-invariant";
        Line($"{away} kernel{(away == 1 ? "" : "s")} from resident, {invariant}");
    }

    private void WriteMutants()
    {
        Line("");
        TextTable table = new("mutant", "category", "fired", "killed by");
        foreach (MutantOutcome mutant in report.Mutants)
        {
            table.Add(mutant.Name, mutant.Category, mutant.Fired ? "yes" : "no", mutant.KilledBy ?? "survived");
        }

        table.Write(terminal);
    }

    private void Line(string text) => terminal.Out.WriteLine(VisibleText.OneLine(text));
}
