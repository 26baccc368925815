using System.Runtime.InteropServices;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>The ledger, the numerics, the mutants, and with what all of it was found out.</summary>
internal static class HtmlFacts
{
    public static string Ledger(ConformanceReport report)
    {
        string lowerings = HtmlText.Table(
            ["models", "precision", "on the device", "opened", "quantised linear kept"],
            report.Survey.Lowerings.Select(l => (string[])
            [
                l.Family == ModelFamily.Moe ? "with experts" : "dense",
                HtmlText.Lower(l.Precision),
                Codes(l.DeviceOps),
                Codes(l.Opened),
                Codes(l.QuantisedLinears),
            ]));
        var host = report.Survey.Lowerings.SelectMany(l => l.HostOps.Select(o => (Lowering: l, Op: o))).ToArray();
        string rows = host.Length == 0
            ? "<p>Nothing of any Qwen3 shape is left to the host.</p>"
            : HtmlText.Table(
                ["left to the host", "models", "precision", "share of the work>", "why"],
                host.Select(h => (string[])
                [
                    Codes([h.Op.Op]), HtmlText.Lower(h.Lowering.Family), HtmlText.Lower(h.Lowering.Precision),
                    HtmlText.Percent(h.Op.FlopShare), HtmlText.Of(h.Op.Reason),
                ]));
        return $"{rows}<p class=\"dim\">All eight Qwen3 shapes, each weight type, lowered for this device:</p>{lowerings}";
    }

    public static string Numerics(ConformanceReport report)
    {
        Observed[] observed = [.. Observed.Of(report)];
        return observed.Length == 0 ? "" : HtmlText.Table(
            ["op", "precision", "declared: operands", "weights", "results", "sums", "cases>", "worst of bound>", "max ULP>", "NMSE>", "bias>"],
            observed.Select(o => (string[])
            [
                Codes([o.Op]),
                HtmlText.Lower(o.Precision),
                HtmlText.Of(Observed.Describe(o.Declared?.Operands ?? default)),
                HtmlText.Of(Observed.Describe(o.Declared?.Weights ?? default)),
                HtmlText.Of(Observed.Describe(o.Declared?.Results ?? default)),
                $"{o.Declared?.AccumulateBits ?? 24} bits{(o.Declared?.FlushesSubnormals == true ? ", flushed" : "")}",
                $"{o.Cases}",
                HtmlText.Real(o.Worst),
                HtmlText.Real(o.MaxUlp),
                HtmlText.Real(o.Nmse),
                HtmlText.Real(o.Bias),
            ]));
    }

    public static string Mutants(ConformanceReport report) => report.Mutants.IsEmpty ? "" : HtmlText.Table(
        ["", "fault", "category", "fired", "killed by"],
        report.Mutants.OrderBy(m => m.KilledBy is not null).Select(m => (string[])
        [
            m.KilledBy is null ? "<span class=\"tag fail\">survived</span>" : "<span class=\"tag pass\">killed</span>",
            $"<code>{HtmlText.Of(m.Name)}</code><br><span class=\"dim\">{HtmlText.Of(m.Description)}</span>",
            HtmlText.Of(m.Category),
            m.Fired ? "yes" : "<span class=\"no\">no</span>",
            $"<code>{HtmlText.Of(m.KilledBy)}</code>",
        ]));

    public static string Versions(ConformanceReport report)
    {
        DeviceFacts device = report.Survey.Device;
        string facts = HtmlText.Table(["", ""],
        [
            ["device", $"{HtmlText.Of(device.Name)}, {device.MemoryBytes:N0} bytes, {Determinism(device.Determinism)}"],
            ["driver", HtmlText.Of(device.Notes.IsEmpty ? "nothing said" : string.Join("; ", device.Notes))],
            ["types", Codes(device.Types)],
            ["precisions", Codes(device.Precisions.Select(p => HtmlText.Lower(p)))],
            ["system", HtmlText.Of($"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {RuntimeInformation.FrameworkDescription}")],
        ]);
        string assemblies = HtmlText.Table(
            ["assembly", "version", "SHA-256"],
            device.Assemblies.Select(a => (string[])[HtmlText.Of(a.Name), $"<code>{HtmlText.Of(a.Version)}</code>", $"<code>{HtmlText.Of(a.Sha256)}</code>"]));
        string models = HtmlText.Table(
            ["model", "SHA-256"],
            ModelDigests.Of(report).Select(m => (string[])[HtmlText.Of(m.Model), $"<code>{HtmlText.Of(m.Sha256 ?? "not a file")}</code>"]));
        return $"{facts}<details><summary>models</summary>{models}</details><details><summary>assemblies</summary>{assemblies}</details><details><summary>digests of the cases</summary>{Digests(report)}</details>";
    }

    private static string Digests(ConformanceReport report) => HtmlText.Table(
        ["cases", "number>", "SHA-256 of their ids"],
        CaseDigests.Of(report).Select(d => (string[])[Codes([d.Group]), $"{d.Cases}", $"<code>{d.Sha256}</code>"]));

    private static string Determinism(Determinism determinism) => determinism switch
    {
        Backends.Determinism.BatchInvariant => "batch-invariant",
        Backends.Determinism.RunToRun => "the same from run to run",
        _ => "not the same from run to run",
    };

    private static string Codes(IEnumerable<string> words) => string.Join(", ", words.Select(w => $"<code>{HtmlText.Of(w)}</code>"));
}
