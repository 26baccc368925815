using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;

namespace HeteroQwen.Conformance.Tests;

/// <summary>The two backends here pass every quick model case in both precisions.</summary>
public sealed class ModelCaseTests
{
    [Theory]
    [InlineData(Precision.Exact)]
    [InlineData(Precision.Fast)]
    public void Quick_cases_all_pass_on_the_cpu(Precision precision) => AllPass(new CpuBackend(), precision, isSlow: false);

    [Theory]
    [InlineData(Precision.Exact)]
    [InlineData(Precision.Fast)]
    public void Quick_cases_all_pass_on_the_reference(Precision precision) => AllPass(new ReferenceBackend(), precision, isSlow: true);

    private static void AllPass(IBackend backend, Precision precision, bool isSlow)
    {
        using Bench bench = new(backend);
        foreach (ConformanceCase one in ModelCases.All(Profile.Quick, precision, isSlow))
        {
            CaseResult result = one.Run(bench.Context);
            Assert.True(result.Status == CaseStatus.Pass, $"{result.Id}: {result.Status} {result.Reason}");
        }
    }
}
