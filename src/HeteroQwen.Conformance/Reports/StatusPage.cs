using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary><c>docs/status.md</c>: what became of each op on each backend, and what that makes of Qwen3.</summary>
public static class StatusPage
{
    private const string NotYetOnGpus = """
        Not yet run on any GPU: `opencl` has run on PoCL alone, whose device is the processor. Only a GPU can show:

        - kernels as the compilers of AMD, Intel, NVIDIA, Arm and Qualcomm build them, and their binaries in the cache of programs;
        - the speed of the sizes of work for lanes (with them the same cases pass on PoCL);
        - a device that flushes subnormals, has no FMA or divides inexactly;
        - memory apart from the host's: pinned transfers, a full device, a lost device;
        - a largest buffer that splits the weights of a model (tests set a small limit);
        - several devices and platforms side by side.

        """;

    /// <summary>The page in Markdown, of one report for each backend.</summary>
    public static string Of(IReadOnlyList<ConformanceReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        StringBuilder page = new();
        page.Append("# What runs where\n\nWritten by `heteroqwen conform-status > docs/status.md`; a test holds it to some cases of each op.\n\n");
        page.Append("From the quick op cases in both precisions: `pass`: every case that the backend takes passes; `opened`: a block that the\n"
            + "backend leaves to its opened form, as the design allows; `no`: not run; `fail`: a case fails.\n\n");
        Row(page, ["op", .. reports.Select(r => Name(r))]);
        Row(page, ["---", .. reports.Select(_ => "---")]);
        foreach (OpDefinition op in OpCatalog.All.Where(o => o.Class != OpClass.View).OrderBy(o => o.Name, StringComparer.Ordinal))
        {
            Row(page, [$"`{op.Name}`", .. reports.Select(r => Status(r, op))]);
        }

        page.Append("\nWhat the lowering of all eight Qwen3 shapes leaves to the host:\n\n");
        foreach (ConformanceReport report in reports)
        {
            string[] host = [.. report.Survey.Lowerings.SelectMany(l => l.HostOps).Select(o => o.Op).Distinct().Order(StringComparer.Ordinal)];
            page.Append($"- `{Name(report)}`: {(host.Length == 0 ? "nothing" : string.Join(", ", host))}\n");
        }

        page.Append("\nNot yet run on CUDA, Ascend and Cambricon devices: there is no backend for them yet.\n");
        page.Append("\n" + NotYetOnGpus);
        return page.ToString();
    }

    private static string Name(ConformanceReport report) => report.Survey.Device.Id.Split(':')[0];

    private static string Status(ConformanceReport report, OpDefinition op)
    {
        CaseResult[] results = [.. report.Results.Where(r => report.CaseOf(r).Op == op.Name)];
        return results.Any(r => ConformanceReport.IsFailure(r.Status)) ? "fail"
            : results.Any(r => r.Status == CaseStatus.Pass) ? "pass"
            : results.Length == 0 ? "no case"
            : op.Class == OpClass.Block ? "opened"
            : "no";
    }

    private static void Row(StringBuilder page, IEnumerable<string> cells) => page.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
