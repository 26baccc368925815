using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>Reads what <see cref="WireWriting"/> writes. Whatever is missing or of another kind throws.</summary>
internal static class WireReading
{
    public static CaseInfo ReadCase(JsonElement json)
    {
        string? precision = json.GetProperty("precision").GetString();
        return new(
            json.GetProperty("id").GetString()!,
            Enum.Parse<CaseKind>(json.GetProperty("kind").GetString()!),
            json.GetProperty("op").GetString(),
            precision is null ? null : Enum.Parse<Precision>(precision),
            json.GetProperty("dense").GetBoolean(),
            json.GetProperty("moe").GetBoolean());
    }

    public static CaseResult ReadResult(JsonElement json) => new(
        json.GetProperty("id").GetString()!,
        Enum.Parse<CaseStatus>(json.GetProperty("status").GetString()!),
        json.GetProperty("reason").GetString())
    {
        Seconds = json.GetProperty("seconds").GetDouble(),
        Metrics = json.TryGetProperty("metrics", out JsonElement metrics) ? ReadMetrics(metrics) : null,
        Errors = json.TryGetProperty("errors", out JsonElement errors) ? ReadErrors(errors) : null,
    };

    public static DeviceFacts ReadDevice(JsonElement json) => new(
        json.GetProperty("id").GetString()!,
        json.GetProperty("name").GetString()!,
        Strings(json, "notes"),
        json.GetProperty("memory_bytes").GetInt64(),
        [.. Strings(json, "precisions").Select(Enum.Parse<Precision>)],
        Strings(json, "types"),
        Enum.Parse<Determinism>(json.GetProperty("determinism").GetString()!),
        [.. json.GetProperty("numerics").EnumerateArray().Select(ReadNumerics)],
        [.. json.GetProperty("assemblies").EnumerateArray().Select(a => new AssemblyFacts(
            a.GetProperty("name").GetString()!, a.GetProperty("version").GetString()!, a.GetProperty("sha256").GetString()!))]);

    public static ModelLowering ReadLowering(JsonElement json) => new(
        Enum.Parse<Precision>(json.GetProperty("precision").GetString()!),
        Enum.Parse<ModelFamily>(json.GetProperty("family").GetString()!),
        [.. json.GetProperty("host_ops").EnumerateArray().Select(o => new HostOp(
            o.GetProperty("op").GetString()!, o.GetProperty("reason").GetString()!, o.GetProperty("flop_share").GetDouble()))],
        Strings(json, "device_ops"),
        Strings(json, "opened"),
        Strings(json, "quantised_linears"));

    private static CaseMetrics ReadMetrics(JsonElement json) => new(
        Real(json.GetProperty("worst")),
        Real(json.GetProperty("nmse")),
        Real(json.GetProperty("max_ulp")),
        Real(json.GetProperty("bias")),
        json.GetProperty("bound").GetString()!);

    private static ErrorMap ReadErrors(JsonElement json) => new(
        json.GetProperty("rows").GetInt32(),
        json.GetProperty("columns").GetInt32(),
        [.. json.GetProperty("worst").EnumerateArray().Select(e => (float)Real(e))]);

    private static Numerics ReadNumerics(JsonElement json) => new(
        json.GetProperty("op").GetString()!,
        Enum.Parse<Precision>(json.GetProperty("precision").GetString()!),
        ReadRounding(json.GetProperty("operands")),
        ReadRounding(json.GetProperty("weights")),
        ReadRounding(json.GetProperty("results")),
        json.GetProperty("accumulate_bits").GetInt32(),
        json.GetProperty("flushes").GetBoolean());

    private static Rounding ReadRounding(JsonElement json) => new(
        Enum.Parse<RoundingKind>(json.GetProperty("kind").GetString()!),
        json.GetProperty("bits").GetInt32(),
        json.GetProperty("max_exponent").GetInt32(),
        json.GetProperty("block").GetInt32(),
        json.GetProperty("truncates").GetBoolean());

    private static ImmutableArray<string> Strings(JsonElement json, string name) =>
        [.. json.GetProperty(name).EnumerateArray().Select(s => s.GetString()!)];

    private static double Real(JsonElement json) => json.ValueKind == JsonValueKind.Number
        ? json.GetDouble()
        : double.Parse(json.GetString()!, CultureInfo.InvariantCulture);
}
