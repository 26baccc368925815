using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Execution;

/// <summary>When the memory of constants is given back.</summary>
public sealed class ReleaseTests
{
    [Fact]
    public void Constants_are_packed_the_largest_first_and_released_once_their_last_kernel_is_prepared()
    {
        List<(string Name, int Prepared)> released = [];
        ScriptedBackend backend = new(new ReferenceBackend()) { Packs = op => op.Name == "linear" };
        using Session session = Create(backend, TestGraphs.Tied(), released, out Device device);
        using Device _ = device;
        Assert.Equal(["gather_rows", "linear", "linear"], backend.Prepared.Select(op => op.Name));
        Assert.Equal([32, 8], backend.Prepared.Skip(1).Select(op => op.Operands[1].Dims[0].Constant));
        Assert.Equal([("embedding", 2), ("small", 3)], released);
        Assert.Equal(3000, session.ReleasedBytes);
    }

    [Fact]
    public void Constants_that_every_kernel_reads_where_they_lie_are_not_released()
    {
        List<(string Name, int Prepared)> released = [];
        ScriptedBackend backend = new(new ReferenceBackend()) { Packs = op => op.Name == "gather_rows" };
        using Session session = Create(backend, TestGraphs.Tied(), released, out Device device);
        using Device _ = device;
        Assert.Equal(["embedding"], released.Select(r => r.Name));
    }

    [Fact]
    public void A_weight_that_is_expanded_is_released_as_soon_as_that_is_done()
    {
        List<(string Name, int Prepared)> released = [];
        ScriptedBackend backend = new(new ReferenceBackend()) { Alter = c => c with { Types = [ElementType.F32, ElementType.I32] } };
        using Session session = Create(backend, TestGraphs.Norm(weight: ElementType.BF16), released, out Device device);
        using Device _ = device;
        Assert.Equal([("w", 0)], released);
        float[] y = TestGraphs.Run(session, [1, 2, 3, 4], new(1, 0, 0, 0));
        Assert.Equal(4, y.Length);
        Assert.Contains(session.Ledger.Rows, r => r.Bytes == 16);
    }

    private static Session Create(ScriptedBackend backend, Graph graph, List<(string Name, int Prepared)> released, out Device device)
    {
        device = TestGraphs.Open(backend);
        return Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options(), name =>
        {
            released.Add((name, backend.Prepared.Count));
            return name == "embedding" ? 2000 : 1000;
        });
    }
}
