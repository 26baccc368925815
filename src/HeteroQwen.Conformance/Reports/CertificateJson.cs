using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace HeteroQwen.Conformance;

/// <summary>The certificate: what was judged, with what, on what, and what came out.</summary>
public static class CertificateJson
{
    /// <summary>Version of the format.</summary>
    public const int Version = 1;

    public static void Write(Stream stream, ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
        json.WriteStartObject();
        json.WriteNumber("heteroqwen_certificate", Version);
        ReportJson.WriteSummary(json, report);
        json.WriteString("profile", report.Options.Profile.ToString().ToLowerInvariant());
        json.WriteNumber("seed", report.Options.Seed);
        WireWriting.WriteStrings(json, "precisions", report.Options.Precisions.Select(p => p.ToString().ToLowerInvariant()));
        json.WriteString("model", report.Options.Model);
        json.WriteBoolean("complete", report.Results.Length == report.Survey.Cases.Length);
        json.WriteStartObject("versions");
        json.WriteString("dotnet", RuntimeInformation.FrameworkDescription);
        json.WriteString("system", RuntimeInformation.OSDescription);
        json.WriteString("architecture", $"{RuntimeInformation.ProcessArchitecture}".ToLowerInvariant());
        json.WriteEndObject();
        json.WritePropertyName("device");
        WireWriting.Write(json, report.Survey.Device);
        WriteLadders(json, report);
        WriteLedger(json, report);
        WriteNumerics(json, report);
        WriteDigests(json, report);
        WriteModels(json, report);
        WriteResults(json, "failures", report, report.Failures);
        WriteResults(json, "skips", report, report.Skips);
        ReportJson.WriteMutants(json, report);
        json.WriteEndObject();
    }

    private static void WriteLadders(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteStartArray("ladders");
        foreach (Ladder ladder in report.Levels.Ladders)
        {
            json.WriteStartObject();
            json.WriteString("precision", ladder.Precision.ToString().ToLowerInvariant());
            json.WriteString("level", ladder.Level);
            json.WriteStartArray("steps");
            foreach (LevelStep step in ladder.Steps)
            {
                json.WriteStartObject();
                json.WriteString("level", step.Level);
                json.WriteString("means", step.Means);
                WireWriting.WriteStrings(json, "barriers", step.Barriers);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLedger(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteStartArray("ledger");
        foreach (ModelLowering lowering in report.Survey.Lowerings)
        {
            WireWriting.Write(json, lowering);
        }

        json.WriteEndArray();
    }

    private static void WriteNumerics(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteStartArray("numerics");
        foreach (Observed observed in Observed.Of(report))
        {
            json.WriteStartObject();
            json.WriteString("op", observed.Op);
            json.WriteString("precision", observed.Precision.ToString().ToLowerInvariant());
            json.WriteString("declared_operands", Observed.Describe(observed.Declared?.Operands ?? default));
            json.WriteString("declared_weights", Observed.Describe(observed.Declared?.Weights ?? default));
            json.WriteString("declared_results", Observed.Describe(observed.Declared?.Results ?? default));
            json.WriteNumber("declared_accumulate_bits", observed.Declared?.AccumulateBits ?? 24);
            json.WriteNumber("cases", observed.Cases);
            WireWriting.WriteReal(json, "worst_of_bound", observed.Worst);
            WireWriting.WriteReal(json, "max_ulp", observed.MaxUlp);
            WireWriting.WriteReal(json, "nmse", observed.Nmse);
            WireWriting.WriteReal(json, "mean_bias", observed.Bias);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDigests(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteStartArray("case_digests");
        foreach ((string group, int cases, string sha256) in CaseDigests.Of(report))
        {
            json.WriteStartObject();
            json.WriteString("group", group);
            json.WriteNumber("cases", cases);
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteModels(Utf8JsonWriter json, ConformanceReport report)
    {
        json.WriteStartArray("models");
        foreach ((string model, string? sha256) in ModelDigests.Of(report))
        {
            json.WriteStartObject();
            json.WriteString("name", model);
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteResults(Utf8JsonWriter json, string name, ConformanceReport report, IEnumerable<CaseResult> results)
    {
        json.WriteStartArray(name);
        foreach (CaseResult result in results)
        {
            json.WriteStartObject();
            json.WriteString("id", result.Id);
            json.WriteString("status", ReportJson.NameOf(result.Status));
            json.WriteString("reason", result.Reason);
            json.WriteString("repro", report.Repro(result.Id));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
