using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Tests;

/// <summary>A device with a fault fails the case that is there for it; beside it a case that the fault does not touch passes.</summary>
public sealed class WrongDeviceTests
{
    [Fact]
    public void Angles_of_another_theta_fail_the_golden_logits() =>
        Fails(Faults.RopeTheta(), "dense-tied-f32/logits", "1e-4 of float64");

    [Fact]
    public void A_stale_slot_fails_the_golden_logits() => Fails(Faults.StaleSlot(slot: 3), "dense-tied-f32/logits", "position");

    [Fact]
    public void A_stale_slot_of_the_second_page_fails_the_case_of_the_pages_edge()
    {
        Passes(Faults.StaleSlot(slot: 128), "dense-tied-f32/logits");
        Fails(Faults.StaleSlot(slot: 128), "dense-long-f32/logits", "position");
    }

    [Fact]
    public void A_rollback_that_is_ignored_fails_its_case_and_no_plain_logits()
    {
        Passes(Faults.NoRollback(), "dense-tied-f32/logits");
        Fails(Faults.NoRollback(), "dense-tied-f32/fork-and-rollback", "after a rollback");
    }

    [Fact]
    public void A_window_that_is_ignored_fails_its_case_and_no_plain_logits()
    {
        Passes(Faults.NoWindow(), "dense-tied-f32/logits");
        Fails(Faults.NoWindow(), "dense-tied-f32/window", "position");
    }

    [Fact]
    public void Experts_in_another_order_fail_the_golden_logits_of_the_model_that_has_them()
    {
        Passes(Faults.SwappedExperts(), "dense-tied-f32/logits");
        Fails(Faults.SwappedExperts(), "moe-f32/logits", "position");
    }

    private static void Passes(IBackend backend, string name) => Assert.Equal((CaseStatus.Pass, null), Run(backend, name));

    private static void Fails(IBackend backend, string name, string says)
    {
        (CaseStatus status, string? reason) = Run(backend, name);
        Assert.Equal(CaseStatus.Fail, status);
        Assert.Contains(says, reason, StringComparison.Ordinal);
    }

    private static (CaseStatus Status, string? Reason) Run(IBackend backend, string name)
    {
        using Bench bench = new(backend);
        CaseResult result = ModelCases.All(Profile.Quick, Precision.Exact).Single(c => c.Id == $"model/{name}/exact").Run(bench.Context);
        return (result.Status, result.Reason);
    }
}
