using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Tests;

public sealed class LevelTests
{
    private const string Linear = "op/linear/f32.q8_0/3x64/dense/plain/fast";
    private const string Norm = "op/rms_norm/f32/3x64/dense/plain/fast";
    private const string Experts = "op/moe_ffn/f32/3x64/dense/plain/fast";
    private const string Silu = "op/silu/f32/3x64/dense/plain/fast";
    private const string Batch = "model/dense/batch/fast";

    [Fact]
    public void Level_is_L5_where_all_passes_and_nothing_is_left_to_the_host()
    {
        LevelReport report = Levels.Compute(Surveys.Whole, Surveys.Passed());
        Assert.Equal("L5", report.Level);
        Assert.Equal("L4", Levels.Compute(Surveys.Whole with { Device = Surveys.Device with { Determinism = Determinism.RunToRun } },
            Surveys.Passed()).Level);
        Assert.True(report.BatchInvariant);
        Assert.False(report.HostFallback);
    }

    [Theory]
    [InlineData("runtime/copy", CaseStatus.Fail, null)]
    [InlineData("runtime/copy", CaseStatus.Unsupported, "L5")]
    [InlineData(Linear, CaseStatus.Fail, "L0")]
    [InlineData(Linear, CaseStatus.Unsupported, "L0")]
    [InlineData(Linear, CaseStatus.Fallback, "L0")]
    [InlineData(Norm, CaseStatus.Crash, "L1")]
    [InlineData(Norm, CaseStatus.Mistrusted, "L1")]
    [InlineData(Experts, CaseStatus.Unsupported, "L2")]
    [InlineData(Experts, CaseStatus.Hang, "L1")]
    [InlineData(Silu, CaseStatus.Unsupported, "L5")]
    [InlineData(Silu, CaseStatus.Fail, "L1")]
    [InlineData(Batch, CaseStatus.Fail, "L1")]
    public void Level_falls_with_faults_and_with_skips_of_what_can_occur(string id, CaseStatus status, string? expected) =>
        Assert.Equal(expected, Levels.Compute(Surveys.Whole, Surveys.Passed((id, status))).Level);

    [Fact]
    public void Level_is_not_lowered_by_a_skip_of_a_composite_that_the_device_decomposes()
    {
        Survey opened = Surveys.With(l => l with { DeviceOps = l.DeviceOps.Remove("moe_ffn"), Opened = [.. l.Opened, "moe_ffn"] });
        Assert.Equal("L5", Levels.Compute(opened, Surveys.Passed((Experts, CaseStatus.Unsupported))).Level);
    }

    [Theory]
    [InlineData(ModelFamily.Dense, "linear", "L0")]
    [InlineData(ModelFamily.Dense, "top_k", "L1")]
    [InlineData(ModelFamily.Moe, "top_k", "L2")]
    public void Level_falls_with_work_for_the_host(ModelFamily family, string op, string expected)
    {
        Survey survey = Surveys.With(l => l.Family == family ? l with { HostOps = [new(op, "no kernel", 0.5)] } : l);
        LevelReport report = Levels.Compute(survey, Surveys.Passed());
        Assert.Equal(expected, report.Level);
        Assert.True(report.HostFallback);
        Assert.Equal(1, report.KernelsFromResident);
    }

    [Theory]
    [InlineData("attention")]
    [InlineData("rms_norm")]
    [InlineData("rope")]
    public void Level_is_L3_where_a_composite_that_matters_is_decomposed(string op) =>
        Assert.Equal("L3", Levels.Compute(Surveys.With(l => l with { Opened = [.. l.Opened, op] }), Surveys.Passed()).Level);

    [Fact]
    public void Level_is_L3_where_no_quantised_linear_is_kept() =>
        Assert.Equal("L3", Levels.Compute(Surveys.With(l => l with { QuantisedLinears = [] }), Surveys.Passed()).Level);

    [Fact]
    public void Level_in_exact_is_beside_that_in_fast()
    {
        LevelReport report = Levels.Compute(Surveys.Whole, Surveys.Passed((Linear, CaseStatus.Fail)));
        Assert.Equal("L0", report.Level);
        Assert.Equal("L4", report.LevelExact);
        Survey fastOnly = Surveys.Whole with { Lowerings = [.. Surveys.Whole.Lowerings.Where(l => l.Precision == Precision.Fast)] };
        Assert.Null(Levels.Compute(fastOnly, Surveys.Passed()).LevelExact);
    }

    [Fact]
    public void Level_is_none_where_not_all_cases_ran()
    {
        LevelReport report = Levels.Compute(Surveys.Whole, Surveys.Passed()[1..]);
        Assert.Null(report.Level);
        Assert.Empty(report.Ladders);
    }
}
