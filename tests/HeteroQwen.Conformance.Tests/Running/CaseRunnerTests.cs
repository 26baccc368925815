using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Tests;

public sealed class CaseRunnerTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private readonly CaseRunner _runner = new(Worker(), s_limit);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _runner.Dispose();

    [Fact]
    public void Run_goes_on_after_a_case_that_kills_its_process_and_says_how_it_ended()
    {
        CaseResult[] results = Run("runtime/abort", "runtime/exit", "runtime/last");
        Assert.Equal([CaseStatus.Crash, CaseStatus.Crash, CaseStatus.Pass], results.Select(r => r.Status));
        Assert.Contains("signal 6 (SIGABRT)", results[0].Reason, StringComparison.Ordinal);
        Assert.Contains("double free", results[0].Reason, StringComparison.Ordinal);
        Assert.Contains("exit code 7", results[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_goes_on_after_a_case_that_never_ends()
    {
        using CaseRunner hasty = new(Worker(), TimeSpan.FromSeconds(2));
        IReadOnlyList<CaseResult> results = hasty.Run([Info("runtime/sleep"), Info("runtime/last")], _ => { }, Stop);
        Assert.Equal(CaseStatus.Hang, results[0].Status);
        Assert.Contains("within 2 s", results[0].Reason, StringComparison.Ordinal);
        Assert.Equal(CaseStatus.Pass, results[1].Status);
    }

    [Fact]
    public void Run_passes_over_what_a_driver_prints_and_does_not_take_another_answer_for_its_own()
    {
        CaseResult[] results = Run("runtime/noise", "runtime/lie", "runtime/last");
        Assert.Equal([CaseStatus.Pass, CaseStatus.Crash, CaseStatus.Pass], results.Select(r => r.Status));
    }

    [Fact]
    public void Run_makes_an_exception_and_an_unknown_id_a_failure_of_that_case()
    {
        CaseResult[] results = Run("runtime/throw", "runtime/unheard-of", "runtime/last");
        Assert.Equal([CaseStatus.Fail, CaseStatus.Fail, CaseStatus.Pass], results.Select(r => r.Status));
        Assert.Contains("as no case should", results[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_come_over_the_line_as_they_were()
    {
        CaseResult[] results = Run("runtime/pass", "runtime/fail");
        Assert.Equal(new CaseMetrics(double.NaN, double.PositiveInfinity, 2.5, -1, "a \"bound\""), results[0].Metrics);
        Assert.Equal([0.5f, float.PositiveInfinity], results[0].Errors!.Worst);
        Assert.Equal("wrong, <b>\n\"quoted\"", results[1].Reason);
    }

    [Fact]
    public void Survey_has_the_device_its_lowerings_and_all_cases()
    {
        Survey survey = _runner.Survey(Stop);
        Assert.Equal("cpu:0", survey.Device.Id);
        Assert.Equal("HeteroQwen.Backends.Cpu", survey.Device.Assemblies[0].Name);
        Assert.Matches("^[0-9a-f]{64}$", survey.Device.Assemblies[0].Sha256);
        Assert.Equal(9, survey.Cases.Length);
        Assert.Equal(4, survey.Lowerings.Length);
        Assert.All(survey.Lowerings, l =>
        {
            Assert.Empty(l.HostOps);
            Assert.Contains("linear", l.DeviceOps);
            Assert.Equal(["q8_0", "q4_0", "q4_k", "q6_k"], l.QuantisedLinears);
        });
    }

    [Fact]
    public void Survey_of_a_worker_that_ends_is_one_sentence_with_its_last_words()
    {
        using CaseRunner broken = new(Worker("broken"), s_limit);
        UserErrorException e = Assert.Throws<UserErrorException>(() => broken.Survey(Stop));
        Assert.Contains("exit code 9: the driver is missing", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_stops_when_told_to()
    {
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() =>
            _runner.Run([Info("runtime/last"), Info("runtime/sleep")], _ => source.CancelAfter(50), source.Token));
    }

    [Theory]
    [InlineData("*", true)]
    [InlineData("op/linear/*", true)]
    [InlineData("*/f32.q8_0/*", true)]
    [InlineData("op/linear/f32.q8_0/3x256.64/dense/exact", true)]
    [InlineData("op/?inear/*", true)]
    [InlineData("op/linear", false)]
    [InlineData("OP/*", false)]
    [InlineData("op/linear/f32.q8_0/3x256?64/dense", false)]
    public void Filter_matches_whole_ids(string glob, bool expected) =>
        Assert.Equal(expected, Info("op/linear/f32.q8_0/3x256.64/dense/exact").Matches(glob));

    private CaseResult[] Run(params string[] ids)
    {
        List<string> told = [];
        IReadOnlyList<CaseResult> results = _runner.Run(ids.Select(Info), r => told.Add(r.Id), Stop);
        Assert.Equal(ids, told);
        Assert.Equal(ids, results.Select(r => r.Id));
        return [.. results];
    }

    private static CaseInfo Info(string id) => new(id, CaseKind.Runtime, null, null, false, false);

    private static WorkerCommand Worker(params string[] arguments) =>
        new(Path.Combine(AppContext.BaseDirectory, "HeteroQwen.Conformance.TestWorker"), [.. arguments]);
}
