using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Planning;

public sealed class PlanSummaryTests
{
    [Fact]
    public void Of_a_graph_with_host_work_counts_the_transfers_and_both_sides()
    {
        using Device device = TestGraphs.Open(
            new ScriptedBackend(new ReferenceBackend()) { Refuse = op => op.Name is "swiglu" or "silu" or "unary" ? "no gates" : null });
        using Device host = TestGraphs.OpenReference();

        PlanSummary summary = Summarise(TestGraphs.Ffn(), device, host);

        Assert.Equal(["to host", "to host", "to device"], summary.Inserted.Select(i => i.What));
        Assert.All(summary.Inserted, i => Assert.Equal(TestGraphs.Maxima.T * 6 * sizeof(float), i.Bytes));
        Assert.Equal([Side.Device, Side.Host], summary.Memory.Select(m => m.Side));
        Assert.All(summary.Memory, m => Assert.InRange(m.Arena, 1, m.Values + (m.Values / 2)));
    }

    [Fact]
    public void Of_views_that_a_kernel_does_not_take_counts_the_copies()
    {
        GraphBuilder builder = new("turned");
        Value turned = builder.Permute(builder.Input("x", new(ElementType.F32, Dim.T, 4)), 1, 0);
        builder.Output("y", builder.Unary("neg", turned));
        using Device device = TestGraphs.OpenReference();
        using Device dense = TestGraphs.Open(new ScriptedBackend(new ReferenceBackend()) { DenseOps = ["unary"] });

        Assert.Empty(Summarise(builder.Build(), device, null).Inserted);
        Assert.Equal(["copy"], Summarise(builder.Build(), dense, null).Inserted.Select(i => i.What));
    }

    private static PlanSummary Summarise(Graph graph, Device device, Device? host)
    {
        SessionOptions options = TestGraphs.Options(fallback: host is not null);
        return PlanSummary.Of(Runtime.Lowering.Lower(graph, device, host, options), device, host, options);
    }
}
