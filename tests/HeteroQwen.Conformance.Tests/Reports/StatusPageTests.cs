using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.OpenCL;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Tests;

public sealed class StatusPageTests
{
    private const int CasesOfEachOp = 3;

    /// <summary>On failure: <c>heteroqwen conform-status &gt; docs/status.md</c>.</summary>
    [Fact]
    public void Status_page_in_docs_is_what_a_few_cases_of_each_op_make_it()
    {
        using Device cpu = Device.Open(new CpuBackend(), 0, Attributes.Empty);
        using Device reference = Device.Open(new ReferenceBackend(), 0, Attributes.Empty);
        OpenClBackend backend = new();
        Status status = backend.Devices(out ImmutableArray<DeviceInfo> devices);
        Assert.True(status.IsOk);
        bool required = Environment.GetEnvironmentVariable("HETEROQWEN_REQUIRE_OPENCL") is not null;
        Assert.SkipUnless(devices[0].Available || required, $"the page has a column for opencl, and here {devices[0].Reason}");
        using Device opencl = Device.Open(backend, 0, Attributes.Empty);
        string page = StatusPage.Of([
            Report(new CaseContext(new CpuBackend(), cpu, reference, 1)), Report(new CaseContext(new ReferenceBackend(), reference, cpu, 1)),
            Report(new CaseContext(backend, opencl, cpu, 1)),
        ]);
        Assert.Equal(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "status.md")), page);
    }

    [Fact]
    public void Status_page_tells_failures_and_ops_for_the_host()
    {
        Survey survey = Surveys.With(l => l with { HostOps = [new HostOp("top_k", "no kernel", 0)] });
        CaseResult[] results = [.. Surveys.Passed(("op/linear/f32.q8_0/3x64/dense/plain/fast", CaseStatus.Hang))];
        string page = StatusPage.Of([Report(survey, results)]);
        Assert.Contains("| `linear` | fail |", page, StringComparison.Ordinal);
        Assert.Contains("| `rms_norm` | pass |", page, StringComparison.Ordinal);
        Assert.Contains("- `toy`: top_k\n", page, StringComparison.Ordinal);
    }

    private static ConformanceReport Report(CaseContext context)
    {
        SuiteOptions options = new(Profile.Quick, SuiteOptions.BothPrecisions, 1, null);
        ConformanceCase[] cases =
        [
            .. Suite.Cases(options, context).Where(c => c.Kind == CaseKind.Op).GroupBy(c => (c.Op, c.Precision))
                .SelectMany(g => g.Take(CasesOfEachOp)),
        ];
        Survey survey = new(
            Surveys.Device with { Id = context.Device.Id },
            LoweringSurvey.Of(context.Device, context.Host, options.Precisions),
            [.. cases.Select(CaseInfo.Of)]);
        return Report(survey, [.. cases.Select(c => c.Run(context))]);
    }

    private static ConformanceReport Report(Survey survey, CaseResult[] results) => new(
        survey, new SuiteOptions(Profile.Quick, SuiteOptions.BothPrecisions, 1, null), [.. results], Levels.Compute(survey, results), "");
}
