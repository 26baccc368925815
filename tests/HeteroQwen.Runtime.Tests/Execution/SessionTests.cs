using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Execution;

public sealed class SessionTests
{
    private static readonly Bindings s_three = new(3, 0, 0, 0);

    [Fact]
    public void Steps_of_different_sizes_give_the_same_rows_as_alone()
    {
        Graph graph = TestGraphs.Ffn();
        using Device device = TestGraphs.OpenReference();
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());
        float[] x = TestGraphs.Values(12);

        float[] together = TestGraphs.Run(session, x, s_three);
        float[] alone = [.. Enumerable.Range(0, 3).SelectMany(row => TestGraphs.Run(session, x[(row * 4)..((row + 1) * 4)], s_three with { T = 1 }))];

        Assert.Equal(together, alone);
        Assert.NotEqual(x, together);
    }

    [Theory]
    [InlineData(1, 64, 1)]
    [InlineData(16, 256, 64)]
    [InlineData(5, 64, 4)]
    public void Row_multiple_alignment_and_tails_never_change_a_bit(int rowMultiple, int alignment, int length)
    {
        Graph graph = Heads();
        float[] expected = RunHeads(graph, new ReferenceBackend());

        float[] actual = RunHeads(graph, new ScriptedBackend(new ReferenceBackend())
        {
            Alter = c => c with { RowMultiple = rowMultiple, Alignment = alignment, LengthAlignment = length },
        });

        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_device_that_takes_no_strided_operand_gets_copies()
    {
        Graph graph = Heads();
        ScriptedBackend copies = new(new ReferenceBackend()) { DenseOps = ["matmul", "binary", "reduce", "unary"] };

        Assert.Equal(RunHeads(graph, new ReferenceBackend()), RunHeads(graph, copies));
        Assert.All(copies.Prepared.Where(op => op.Name != "copy"), op => Assert.DoesNotContain(op.Operands, o => o.Strided));
    }

    [Fact]
    public void A_device_that_cannot_even_copy_strided_leaves_it_to_the_host_with_consent()
    {
        Graph graph = Heads();
        string[] all = ["matmul", "binary", "reduce", "unary", "copy"];
        ScriptedBackend Dense() => new(new ReferenceBackend()) { DenseOps = all };

        var error = Assert.Throws<HostFallbackException>(() => RunHeads(graph, Dense()));

        Assert.Equal(["copy"], error.Ops);
        Assert.Equal(RunHeads(graph, new ReferenceBackend()), RunHeads(graph, Dense(), fallback: true));
    }

    [Fact]
    public void No_kernel_sees_an_empty_dimension()
    {
        GraphBuilder builder = new("empty");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T, Dim.N));
        builder.Output("sum", builder.Reduce("sum", x, 1));
        builder.Output("max", builder.Reduce("max", x, 1));
        builder.Output("product", builder.MatMul(x, builder.Input("w", new(ElementType.F32, 4, Dim.N))));
        Graph graph = builder.Build();
        ScriptedBackend backend = new(new ReferenceBackend());
        using Device device = TestGraphs.Open(backend);
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());

        session.Run(new(2, 0, 0, 0));

        Assert.Empty(backend.Launched);
        Assert.Equal([0, 0], session.Output("sum").ToArray());
        Assert.Equal([float.NegativeInfinity, float.NegativeInfinity], session.Output("max").ToArray());
        Assert.Equal(new float[8], session.Output("product").ToArray());
        session.Run(default);
        Assert.Empty(session.Output("sum").ToArray());
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        Graph graph = TestGraphs.Ffn();
        using Device device = TestGraphs.Open(new CpuBackend());
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());
        void Steps()
        {
            for (int i = 0; i < 50; i++)
            {
                session.Input<float>("x").Fill(i);
                session.Run(new(1 + (i % 3), 0, 0, 0));
                _ = session.Output("y");
            }
        }

        Steps();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Steps();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Disposed_sessions_leave_no_memory_behind()
    {
        Graph graph = TestGraphs.Ffn();
        ScriptedBackend backend = new(new ReferenceBackend());
        using Device device = TestGraphs.Open(backend);
        using (Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options()))
        {
            TestGraphs.Run(session, TestGraphs.Values(12), s_three);
            Assert.True(backend.Allocated > 0);
        }

        Assert.Equal(0, backend.Allocated);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_both_numbers_before_anything_is_allocated()
    {
        Graph graph = TestGraphs.Ffn();
        ScriptedBackend backend = new(new ReferenceBackend()) { Alter = c => c with { MemoryBytes = 100 } };
        using Device device = TestGraphs.Open(backend);

        var error = Assert.Throws<UserErrorException>(() => Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options()));

        Assert.Contains("has 100 bytes", error.Message, StringComparison.Ordinal);
        Assert.Empty(backend.Prepared);
        Assert.Equal(0, backend.Allocated);
    }

    [Fact]
    public void A_failed_launch_names_the_operation_and_ends_the_session()
    {
        Graph graph = TestGraphs.Ffn();
        ScriptedBackend backend = new(new ReferenceBackend()) { FailAt = ("swiglu", Status.LaunchFailed("the unit overheated")) };
        using Device device = TestGraphs.Open(backend);
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());

        var error = Assert.Throws<BackendException>(() => TestGraphs.Run(session, TestGraphs.Values(12), s_three));

        Assert.Contains("swiglu", error.Message, StringComparison.Ordinal);
        Assert.Contains("the unit overheated", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => session.Run(s_three));
    }

    [Fact]
    public void Bindings_beyond_the_maxima_are_refused()
    {
        Graph graph = TestGraphs.Norm();
        using Device device = TestGraphs.OpenReference();
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());

        Assert.Throws<ArgumentOutOfRangeException>(() => session.Run(new(9, 0, 0, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Run(new(-1, 0, 0, 0)));
    }

    [Fact]
    public void A_profile_has_a_time_for_each_operation()
    {
        Graph graph = TestGraphs.Ffn();
        using Device device = TestGraphs.OpenReference();
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options(profile: true));
        TestGraphs.Run(session, TestGraphs.Values(12), s_three);
        TestGraphs.Run(session, TestGraphs.Values(12), s_three);

        Assert.Equal(["rms_norm", "linear", "linear", "swiglu", "linear", "binary"], session.Timings.Select(t => t.Op));
        Assert.All(session.Timings, t => Assert.Equal(2, t.Runs));
    }

    [Fact]
    public void Expanded_weights_give_the_same_result_and_stand_in_the_ledger()
    {
        Graph graph = TestGraphs.Norm(weight: ElementType.BF16);
        float[] x = TestGraphs.Values(12);
        using Device plain = TestGraphs.OpenReference();
        using Session expected = Session.Create(graph, TestGraphs.Constants(graph), plain, null, TestGraphs.Options());
        using Device device = TestGraphs.Open(
            new ScriptedBackend(new ReferenceBackend()) { Alter = c => c with { Types = [ElementType.F32, ElementType.I32] } });
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());

        Assert.Equal(TestGraphs.Run(expected, x, s_three), TestGraphs.Run(session, x, s_three));
        LedgerRow row = Assert.Single(session.Ledger.Rows);
        Assert.Equal(("expanded weights", 16L), (row.Op, row.Bytes));
        Assert.Empty(expected.Ledger.Rows);
    }

    [Fact]
    public void A_weight_that_overflows_the_type_it_is_expanded_to_is_refused_by_name()
    {
        Graph graph = TestGraphs.Norm();
        using Device device = TestGraphs.Open(new ScriptedBackend(new ReferenceBackend())
        {
            Alter = c => c with { Types = [ElementType.F16, ElementType.I32], FastExpansion = ElementType.F16 },
        });

        var error = Assert.Throws<UserErrorException>(() => Session.Create(
            graph, name => TestGraphs.Data(name, graph.Constants[0].Type, i => i == 2 ? 1e6f : 1), device, null, TestGraphs.Options(precision: Precision.Fast)));

        Assert.StartsWith("w holds 1000000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Host_fallback_gives_the_same_bits_and_counts_the_bytes_it_moves()
    {
        Graph graph = TestGraphs.Ffn();
        float[] x = TestGraphs.Values(12);
        using Device host = TestGraphs.OpenReference();
        using Session expected = Session.Create(graph, TestGraphs.Constants(graph), host, null, TestGraphs.Options());
        using Device device = TestGraphs.Open(new ScriptedBackend(new ReferenceBackend())
        {
            Refuse = op => op.Name is "swiglu" or "silu" ? "no gates" : op.Name is "unary" ? "no exp" : null,
            Alter = c => c with { RowMultiple = 16 },
        });
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, host, TestGraphs.Options(fallback: true));

        Assert.Equal(TestGraphs.Run(expected, x, s_three), TestGraphs.Run(session, x, s_three));
        LedgerRow row = Assert.Single(session.Ledger.Rows);
        Assert.Equal(("swiglu", "no gates", 1), (row.Op, row.Reason, row.Count));
        Assert.Equal(3 * (3 * 6 * sizeof(float)), row.Bytes);
        Assert.InRange(row.FlopShare, 0.01, 0.5);
        Assert.Equal(1, session.Ledger.KernelsFromResident);
    }

    [Fact]
    public void States_are_zeros_at_first_and_after_clearing_and_rows_can_be_copied()
    {
        GraphBuilder builder = new("state");
        Value state = builder.State("k", new(ElementType.F32, 16, 4));
        Value next = builder.ScatterRows(state, builder.Input("slot", new(ElementType.I32, Dim.T)), builder.Input("x", new(ElementType.F32, Dim.T, 4)));
        builder.Output("y", builder.GatherRows(next, builder.Input("read", new(ElementType.I32, Dim.N))));
        Graph graph = builder.Build();
        using Device device = TestGraphs.Open(new ScriptedBackend(new ReferenceBackend()) { Alter = c => c with { RowMultiple = 8 } });
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, null, TestGraphs.Options());
        float[] Read(params ReadOnlySpan<int> rows)
        {
            rows.CopyTo(session.Input<int>("read"));
            session.Run(new(0, rows.Length, 0, 0));
            return session.Output("y").ToArray();
        }

        Assert.Equal(new float[4], Read(5));
        session.Input<int>("slot")[0] = 5;
        new float[] { 1, 2, 3, 4 }.CopyTo(session.Input<float>("x"));
        session.Input<int>("read")[0] = 5;
        session.Run(new(1, 1, 0, 0));
        Assert.Equal([1, 2, 3, 4], session.Output("y").ToArray());
        session.CopyStateRows(5, 9, 1);
        Assert.Equal([1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 0, 0], Read(9, 5, 6));
        session.ClearStates();
        Assert.Equal(new float[8], Read(5, 9));
    }

    /// <summary>Splits rows into heads, turns them, slices at an odd start and joins them again: views of every kind.</summary>
    private static Graph Heads()
    {
        GraphBuilder builder = new("heads");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T, 24));
        Value heads = builder.Reshape(builder.Unary("neg", x), Dim.T, 4, 6);
        Value turned = builder.Permute(heads, 1, 0, 2);
        Value scores = builder.MatMul(turned, builder.Slice(turned, 0, 1, 2));
        Value half = builder.Slice(heads, 2, 3, 3);
        Value joined = builder.Reshape(builder.Binary("add", half, builder.Broadcast(builder.Reduce("sum", half, 2), Dim.T, 4, 3)), Dim.T, 12);
        builder.Output("scores", scores);
        builder.Output("y", builder.Concat(1, joined, builder.Reshape(builder.Permute(turned, 1, 0, 2), Dim.T, 24)));
        return builder.Build();
    }

    private static float[] RunHeads(Graph graph, IBackend backend, bool fallback = false)
    {
        using Device device = TestGraphs.Open(backend);
        using Device host = TestGraphs.OpenReference();
        using Session session = Session.Create(graph, TestGraphs.Constants(graph), device, host, TestGraphs.Options(fallback));
        float[] y = TestGraphs.Run(session, TestGraphs.Values(72), s_three);
        return [.. y, .. session.Output("scores")];
    }
}
