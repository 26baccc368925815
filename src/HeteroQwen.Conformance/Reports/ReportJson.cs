using System.Text.Json;

namespace HeteroQwen.Conformance;

/// <summary>The report as <c>conform --json</c> prints it.</summary>
public static class ReportJson
{
    public static void Write(Utf8JsonWriter json, ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(report);
        json.WriteStartObject();
        WriteSummary(json, report);
        json.WriteStartArray("cases");
        foreach (CaseResult result in report.Results)
        {
            json.WriteStartObject();
            json.WriteString("id", result.Id);
            json.WriteString("status", NameOf(result.Status));
            json.WriteString("reason", result.Reason);
            json.WriteString("repro", report.Repro(result.Id));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteMutants(json, report);
        json.WriteEndObject();
    }

    /// <summary>The mutants, where any were run.</summary>
    internal static void WriteMutants(Utf8JsonWriter json, ConformanceReport report)
    {
        if (report.Mutants.IsEmpty)
        {
            return;
        }

        json.WriteStartArray("mutants");
        foreach (MutantOutcome mutant in report.Mutants)
        {
            json.WriteStartObject();
            json.WriteString("name", mutant.Name);
            json.WriteString("category", mutant.Category);
            json.WriteString("description", mutant.Description);
            json.WriteBoolean("fired", mutant.Fired);
            json.WriteString("killed_by", mutant.KilledBy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Level, counts and kill rate, into an object that is open.</summary>
    internal static void WriteSummary(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteString("level", report.Levels.Level);
        json.WriteString("level_exact", report.Levels.LevelExact);
        json.WriteBoolean("host_fallback", report.Levels.HostFallback);
        json.WriteBoolean("batch_invariant", report.Levels.BatchInvariant);
        json.WriteNumber("kernels_from_resident", report.Levels.KernelsFromResident);
        json.WriteStartObject("counts");
        foreach (CaseStatus status in Enum.GetValues<CaseStatus>())
        {
            json.WriteNumber(NameOf(status), report.Count(status));
        }

        json.WriteEndObject();
        if (report.KillRate is { } rate)
        {
            json.WriteNumber("kill_rate", Math.Round(rate, 4));
        }
        else
        {
            json.WriteNull("kill_rate");
        }
    }

    internal static string NameOf(CaseStatus status) => status.ToString().ToLowerInvariant();
}
