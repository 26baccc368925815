using HeteroQwen.Backends;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Lowering;

public sealed class LoweringTests
{
    [Fact]
    public void A_block_that_the_device_does_not_support_is_opened()
    {
        LoweredGraph lowered = Lower(TestGraphs.Ffn(), _ => null);

        Assert.Equal(["rms_norm", "linear", "linear", "swiglu", "linear", "binary"], Ops(lowered));
        Assert.Empty(lowered.HostOperations);
    }

    [Fact]
    public void An_inner_composite_is_decomposed_if_the_device_then_runs_all_of_it()
    {
        LoweredGraph lowered = Lower(TestGraphs.Norm(), op => op.Name == "rms_norm" ? "no norms" : null);

        Assert.Equal(["binary", "reduce", "binary", "binary", "unary", "binary", "binary"], Ops(lowered));
        Assert.Empty(lowered.HostOperations);
    }

    [Fact]
    public void A_decomposition_may_use_other_composites()
    {
        LoweredGraph lowered = Lower(TestGraphs.Ffn(), op => op.Name == "swiglu" ? "no gates" : null);

        Assert.Equal(["rms_norm", "linear", "linear", "silu", "binary", "linear", "binary"], Ops(lowered));
    }

    [Fact]
    public void An_inner_composite_goes_to_the_host_whole_if_the_device_runs_only_a_part_of_it()
    {
        LoweredGraph lowered = Lower(TestGraphs.Norm(), op => op.Name is "rms_norm" or "unary" ? $"no {op.Name}" : null, fallback: true);

        Operation norm = Assert.Single(lowered.HostOperations);
        Assert.Equal("rms_norm", norm.Definition.Name);
        Assert.Equal(new Placement(Side.Host, "no rms_norm"), lowered.PlacementOf(norm));
    }

    [Fact]
    public void Without_consent_the_refusal_names_the_ops_their_reasons_and_the_option()
    {
        var error = Assert.Throws<HostFallbackException>(() =>
            Lower(TestGraphs.Ffn(), op => op.Name is "rms_norm" or "unary" or "silu" or "swiglu" ? $"no {op.Name}" : null));

        Assert.Equal(["rms_norm", "swiglu"], error.Ops);
        Assert.Contains("rms_norm (no rms_norm)", error.Message, StringComparison.Ordinal);
        Assert.Contains("--host-fallback", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_of_a_type_that_the_device_does_not_read_is_expanded()
    {
        LoweredGraph lowered = Lower(
            TestGraphs.Norm(weight: ElementType.BF16), _ => null, alter: c => c with { Types = [ElementType.F32, ElementType.I32] });

        Value weight = Assert.Single(lowered.Graph.Constants);
        Assert.Equal(ElementType.F32, weight.Type.Element);
        Assert.Equal(new Expansion("w", ElementType.F32), lowered.Expansions[weight.Name]);
    }

    [Fact]
    public void A_precision_that_the_device_lacks_is_refused_naming_the_other()
    {
        var error = Assert.Throws<UserErrorException>(() => Lower(TestGraphs.Norm(), _ => null, alter: c => c with { Precisions = [Precision.Fast] }));

        Assert.Contains("exact", error.Message, StringComparison.Ordinal);
        Assert.Contains("fast", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_touches_a_state_goes_where_its_attention_runs()
    {
        GraphBuilder builder = new("state");
        Value state = builder.State("k", new(ElementType.F32, 16, 4));
        Value slot = builder.Input("slot", new(ElementType.I32, Dim.T));
        Value next = builder.ScatterRows(state, slot, builder.Input("x", new(ElementType.F32, Dim.T, 4)));
        builder.Output("y", builder.GatherRows(next, slot));

        LoweredGraph lowered = Lower(builder.Build(), op => op.Name == "gather_rows" ? "no gathers" : null, fallback: true);

        Assert.Equal(["scatter_rows", "gather_rows"], lowered.HostOperations.Select(o => o.Definition.Name));
        Assert.Contains("lives on the host", lowered.PlacementOf(lowered.Graph.Operations[0]).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_operand_of_a_concat_is_left_out()
    {
        GraphBuilder builder = new("concat");
        Value empty = builder.Input("e", new(ElementType.F32, Dim.T, 0));
        builder.Output("y", builder.Concat(1, empty, builder.Input("x", new(ElementType.F32, Dim.T, 4))));

        Operation copy = Assert.Single(Lower(builder.Build(), _ => null).Graph.Operations);

        Assert.Equal("x", Assert.Single(copy.Operands).Name);
    }

    [Fact]
    public void Opened_blocks_share_equal_subexpressions_and_pass_the_verifier()
    {
        LoweredGraph lowered = Lower(TestGraphs.Ffn(), op => op.Name is "rms_norm" or "swiglu" or "silu" or "linear" ? "plain" : null);

        Verifier.Verify(lowered.Graph);
        Assert.DoesNotContain(lowered.Graph.Operations, o => o.Definition.Class > OpClass.Primitive);
    }

    private static string[] Ops(LoweredGraph lowered) =>
        [.. lowered.Graph.Operations.Where(o => o.Definition.Class != OpClass.View).Select(o => o.Definition.Name)];

    private static LoweredGraph Lower(
        Graph graph, Func<OpDescriptor, string?> refuse, bool fallback = false, Func<Capabilities, Capabilities>? alter = null)
    {
        ScriptedBackend backend = new(new ReferenceBackend()) { Refuse = refuse, Alter = alter ?? (c => c) };
        using Device device = TestGraphs.Open(backend);
        using Device host = TestGraphs.OpenReference();
        return Runtime.Lowering.Lower(graph, device, host, TestGraphs.Options(fallback));
    }
}
