using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Tests.Ops;

/// <summary>Devices with one fault each; the cases of the op must see it.</summary>
public sealed class WrongDeviceTests
{
    [Fact]
    public void Run_last_term_of_4096_dropped_fails() => Caught("linear", new Fault
    {
        Before = a => a.ZeroOperand(0, i => i % a.Width(0) == 4095),
    });

    [Fact]
    public void Run_one_element_zero_fails() => Caught("matmul", new Fault { After = a => a.ZeroResult(i => i == a.Count(0) - 1) });

    [Fact]
    public void Run_causal_mask_off_by_one_fails() => Caught("attention", new Fault
    {
        // A token that is not the last of its sequence sees the next entry too.
        BeforeInts = (i, values) => i == 4 ? [.. values.Select((v, t) => t + 1 < values.Length && values[t + 1] == v + 1 ? v + 1 : v)] : values,
    });

    [Fact]
    public void Run_last_entry_ignored_fails() => Caught("attention", new Fault
    {
        BeforeInts = (i, values) => i == 4 ? [.. values.Select(v => Math.Max(0, v - 1))] : values,
    });

    [Theory]
    [InlineData(0.0)]
    [InlineData(1e-5)]
    public void Run_wrong_eps_fails(double eps) => Caught("rms_norm", new Fault
    {
        Alter = op => op with { Attributes = new(("eps", eps)) },
    });

    [Fact]
    public void Run_scale_of_one_more_dimension_fails() => Caught("attention", new Fault
    {
        Alter = op => op with
        {
            Attributes = new(
                ("page", op.Attributes.Int64("page")), ("window", op.Attributes.Int64("window")),
                ("scale", 1 / Math.Sqrt(1 + Math.Pow(op.Attributes.Float64("scale"), -2)))),
        },
    });

    [Fact]
    public void Run_angle_wrong_at_position_0_fails() => Caught("rope", new Fault { Before = a => a.ZeroOperand(1, i => i < a.Width(1)) });

    [Fact]
    public void Run_ties_to_the_higher_index_fails() => Caught("top_k", new Fault { After = a => a.Reverse(1) });

    [Fact]
    public void Run_input_modified_fails() => Caught("silu", new Fault { After = a => a.ZeroOperand(0, i => i == 0) });

    [Fact]
    public void Run_write_outside_fails() => Caught("softmax", new Fault { After = a => a.WriteBehindResult() });

    [Fact]
    public void Run_refusal_after_yes_fails() => Caught("swiglu", new Fault { Refuses = true });

    [Fact]
    public void Run_result_of_old_memory_fails() => Caught("unary", new Fault { Skips = true });

    private static void Caught(string op, Fault fault)
    {
        using FaultyDevice faulty = new(fault);
        using var device = Device.Open(faulty, 0, Attributes.Empty);
        CaseContext context = new(faulty, device, device, 3);
        CaseResult[] results = [.. OpCases.All(Profile.Quick, device.Capabilities, Precision.Exact).Where(c => c.Op == op).Select(c => c.Run(context))];
        Assert.True(fault.Fired > 0, "the fault never fired");
        Assert.Contains(results, r => r.Status == CaseStatus.Fail);
    }
}
