using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Tests.Ops;

public sealed class OpCaseTests
{
    public static TheoryData<string, Precision> Runs => new()
    {
        { "reference", Precision.Exact }, { "reference", Precision.Fast }, { "cpu", Precision.Exact }, { "cpu", Precision.Fast },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void Run_quick_cases_pass_on_a_right_backend(string name, Precision precision)
    {
        IBackend backend = name == "cpu" ? new CpuBackend() : new ReferenceBackend();
        using var device = Device.Open(backend, 0, Attributes.Empty);
        CaseContext context = new(backend, device, device, 1);
        CaseResult[] results = [.. OpCases.All(Profile.Quick, device.Capabilities, precision).Select(c => c.Run(context))];

        TestContext.Current.TestOutputHelper?.WriteLine($"{results.Length} cases, {results.Sum(r => r.Seconds):F1} s");
        foreach (var group in results.GroupBy(r => string.Join('/', r.Id.Split('/').Take(2))))
        {
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{group.Key}: {group.Count()} cases, {group.Sum(r => r.Seconds):F2} s, worst {group.Max(r => r.Metrics?.Worst):F3}, {group.Count(r => r.Status == CaseStatus.Unsupported)} unsupported");
        }

        string[] wrong = [.. results.Where(r => r.Status is not (CaseStatus.Pass or CaseStatus.Unsupported)).Select(r => $"{r.Status} {r.Id}: {r.Reason}")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }
}
