using HeteroQwen.Backends.Cpu;
using HeteroQwen.Conformance;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>Runs cases of the conformance suite in this process.</summary>
internal static class Conform
{
    /// <summary>What did not pass, with its reason. Views that the backend takes dense only, and blocks that it opens, are no failures.</summary>
    public static string[] Run(OpenClBackend backend, Func<Precision, Capabilities, IEnumerable<ConformanceCase>> cases, Precision precision = Precision.Fast)
    {
        OpenCl.Demand();
        using var device = Runtime.Device.Open(backend, 0, Attributes.Empty);
        using var host = Runtime.Device.Open(new CpuBackend(), 0, Attributes.Empty);
        CaseContext context = new(backend, device, host, 1);
        CaseResult[] results = [.. cases(precision, device.Capabilities).Select(c => c.Run(context))];
        Assert.NotEmpty(results);
        return [.. results.Where(r => !IsRight(r)).Select(r => $"{r.Status} {r.Id}: {r.Reason}")];
    }

    private static bool IsRight(CaseResult result) => result.Status == CaseStatus.Pass
        || (result.Status == CaseStatus.Unsupported
            && (result.Id.StartsWith("runtime/", StringComparison.Ordinal)
                || result.Reason!.Contains("its decomposition runs", StringComparison.Ordinal)
                || result.Reason.Contains("dense only", StringComparison.Ordinal)));
}
