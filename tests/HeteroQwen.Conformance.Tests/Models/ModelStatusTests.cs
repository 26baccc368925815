using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Conformance.Tests;

/// <summary>What a model case says where it is neither a pass nor a fail, and how wide its bounds are.</summary>
public sealed class ModelStatusTests
{
    [Fact]
    public void What_the_host_ran_makes_a_pass_a_fallback_that_names_the_op()
    {
        ScriptedBackend lacking = new(new CpuBackend()) { Refuse = op => op.Name is "softmax" or "attention" or "reduce" ? "not yet" : null };
        using Bench bench = new(lacking);
        CaseResult result = Case("dense-tied-f32/logits", Precision.Exact).Run(bench.Context);
        Assert.Equal(CaseStatus.Fallback, result.Status);
        Assert.Contains("attention (not yet)", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_precision_that_the_device_lacks_is_unsupported()
    {
        ScriptedBackend fastOnly = new(new CpuBackend()) { Alter = c => c with { Precisions = [Precision.Fast] } };
        using Bench bench = new(fastOnly);
        CaseResult result = Case("dense-tied-f32/logits", Precision.Exact).Run(bench.Context);
        Assert.Equal((CaseStatus.Unsupported, "the device does not offer exact"), (result.Status, result.Reason));
    }

    [Fact]
    public void A_launch_that_fails_is_a_fail_with_what_the_backend_said()
    {
        ScriptedBackend failing = new(new CpuBackend()) { FailAt = ("swiglu", Status.LaunchFailed("lost power")) };
        using Bench bench = new(failing);
        CaseResult result = Case("dense-tied-f32/logits", Precision.Exact).Run(bench.Context);
        Assert.Equal(CaseStatus.Fail, result.Status);
        Assert.Contains("lost power", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Precision.Exact)]
    [InlineData(Precision.Fast)]
    public void A_model_of_the_users_own_is_judged_against_exact_on_another_device(Precision precision)
    {
        using Bench right = new(new CpuBackend());
        CaseResult result = ModelCases.ForModel("tiny", precision, right.Context.Host).Run(right.Context);
        Assert.Equal((CaseStatus.Pass, null), (result.Status, result.Reason));

        // Coarse enough for the bound of int8, which the device declares for fast.
        using Bench wrong = new(Faults.RopeTheta(1.3));
        Assert.Equal(CaseStatus.Fail, ModelCases.ForModel("tiny", precision, right.Context.Host).Run(wrong.Context).Status);
    }

    [Fact]
    public void Ids_are_unique_and_quick_is_a_part_of_full_but_for_the_number_of_tasks()
    {
        foreach (Precision precision in Enum.GetValues<Precision>())
        {
            string[] full = [.. ModelCases.All(Profile.Full, precision).Select(c => c.Id)];
            string[] quick = [.. ModelCases.All(Profile.Quick, precision).Select(c => c.Id)];
            Assert.Equal(full.Length, full.Distinct().Count());
            Assert.Equal(2, quick.Except(full).Count(id => id.Contains("tasks-1-of-each", StringComparison.Ordinal)));
            Assert.Equal(2, quick.Except(full).Count());
        }
    }

    [Theory]
    [InlineData(RoundingKind.None, 0, ElementType.F32, false, 1e-10)]
    [InlineData(RoundingKind.Float, 11, ElementType.F32, false, 1e-5)]
    [InlineData(RoundingKind.Float, 8, ElementType.F32, false, 3e-4)]
    [InlineData(RoundingKind.Float, 8, ElementType.BF16, true, 6e-4)]
    [InlineData(RoundingKind.Int8, 0, ElementType.F16, false, 1.51e-3)]
    [InlineData(RoundingKind.Int8, 0, ElementType.Q8_0, true, 2.1e-2)]
    public void Bound_in_fast_is_that_of_the_coarsest_rounding_declared_and_of_the_cache(
        RoundingKind kind, int bits, ElementType kv, bool isMoe, double nmse)
    {
        Rounding rounding = new(kind, bits, 127, 32, false);
        Capabilities capabilities = new()
        {
            Types = [ElementType.F32],
            Numerics = [new("linear", Precision.Fast, rounding, Rounding.None, Rounding.None, 24, false)],
        };
        LogitsBound bound = LogitsBound.Rounded(capabilities, Precision.Fast, kv, isMoe);
        Assert.Equal(nmse, bound.Nmse, nmse * 1e-9);
        Assert.Equal(isMoe, bound.ByRow);
    }

    private static ConformanceCase Case(string name, Precision precision) => ModelCases.All(Profile.Quick, precision)
        .Single(c => c.Id == $"model/{name}/{precision.ToString().ToLowerInvariant()}");
}
