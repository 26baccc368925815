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
    public void Run_quick_cases_pass_on_a_right_backend(string name, Precision precision) => AllPass(name, precision, Profile.Quick, 1);

    /// <summary>Minutes; run by hand when cases, verdicts or kernels change.</summary>
    [Fact(Explicit = true)]
    public void Run_quick_cases_pass_with_twenty_seeds()
    {
        List<string> wrong = [];
        for (int seed = 2; seed <= 21; seed++)
        {
            wrong.AddRange(Wrong("cpu", Precision.Exact, Profile.Quick, seed));
            wrong.AddRange(Wrong("reference", Precision.Exact, Profile.Quick, seed));
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory(Explicit = true)]
    [MemberData(nameof(Runs))]
    public void Run_full_cases_pass_on_a_right_backend(string name, Precision precision) => AllPass(name, precision, Profile.Full, 1);

    private static void AllPass(string name, Precision precision, Profile profile, long seed)
    {
        string[] wrong = Wrong(name, precision, profile, seed);
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    /// <summary>What did not pass, with its reason.</summary>
    private static string[] Wrong(string name, Precision precision, Profile profile, long seed)
    {
        IBackend backend = name == "cpu" ? new CpuBackend() : new ReferenceBackend();
        using var device = Device.Open(backend, 0, Attributes.Empty);
        CaseContext context = new(backend, device, device, seed);
        CaseResult[] results = [.. OpCases.All(profile, device.Capabilities, precision).Select(c => c.Run(context))];

        // What does not run is a block, which both open, or an operand that is taken dense only.
        Assert.All(results.Where(r => r.Status == CaseStatus.Unsupported), r => Assert.True(
            r.Reason!.Contains("its decomposition runs", StringComparison.Ordinal) || r.Reason.Contains("dense only", StringComparison.Ordinal), r.Reason));
        TestContext.Current.TestOutputHelper?.WriteLine($"{profile}: {results.Length} cases, {results.Sum(r => r.Seconds):F1} s");
        return [.. results.Where(r => r.Status is not (CaseStatus.Pass or CaseStatus.Unsupported))
            .Select(r => $"{name} seed {seed} {r.Status} {r.Id}: {r.Reason}")];
    }
}
