using System.Collections.Immutable;

namespace HeteroQwen.Ir.Tests;

public sealed class VerifierTests
{
    private static readonly TensorType s_vector = OpUse.Type("f32[T]");
    private static readonly TensorType s_state = OpUse.Type("f32[64, 4, 8]");

    /// <summary>Graphs that break one rule each.</summary>
    private static readonly (string Rule, string Message, Func<Graph> Build)[] s_broken =
    [
        ("defined", "found %v before its definition", UsedBeforeDefined),
        ("defined", "found %z before its definition, or of another graph", ForeignOperand),
        ("defined", "found a second definition of %x", () => WithInputs(x => [x, x])),
        ("defined", "found a second definition of %v", () => WithOperations(o => [o, o])),
        ("names", "found the name 'a b'", () => Built(b => b.Input("a b", s_vector))),
        ("names", "found the name ''", () => Built(b => b.Input("", s_vector))),
        ("names", "found %x twice", () => WithInputs(x => [x, new(ValueKind.Input, "x", s_vector)])),
        ("types", "no whole number of blocks of 256", () => Built(b => b.Input("x", OpUse.Type("q4_k[4, 128]")))),
        ("types", "no whole number of blocks of 32", () => Built(b => b.Input("x", OpUse.Type("q8_0[32, T]")))),
        ("types", "more than 2^40 elements", () => Built(b => b.Broadcast(b.Input("x", s_vector), 1L << 41, Dim.T))),
        ("types", "more than 8 dimensions", () => Built(b => b.Broadcast(b.Input("x", s_vector), 1, 1, 1, 1, 1, 1, 1, 1, Dim.T))),
        ("constraints", "silu C2: x is f32; found i32[T], in: %v = silu(%x) : f32[T]", () => Handmade("i32[T]", "f32[T]")),
        ("inferred", "found f32[T] inferred, in: %v = silu(%x) : f32[N]", () => Handmade("f32[T]", "f32[N]")),
        ("versions", "found %v as a version of no state", UpdateThatIsNoVersion),
        ("versions", "found a declaration that is a version of another",
            () => WithInputs(x => [x, new(ValueKind.Input, "y", s_vector) { State = x }])),
        ("state-operands", "found %s : f32[64, 4, 8], in: %v = scatter_rows(%s, %i, %rows)", () => Scatter(b => b.Input("s", s_state))),
        ("state-uses", "found %s as operand 0, in: %v = silu(%s)", () => Built(b => b.Silu(b.State("s", s_state)))),
        ("state-uses", "found %rows as operand 2",
            () => Scatter(b => b.State("s", s_state), (b, type) => b.State("rows", OpUse.Type("f32[9, 4, 8]")))),
        ("newest", "found %s after %v has replaced it, in: %v.2 = gather_rows(%s, %i)", ReadOfAnOldVersion),
        ("newest", "found %s after %v has replaced it, in: %v.2 = scatter_rows(%s,", UpdateOfAnOldVersion),
        ("newest", "found %s10 updated twice by one operation", OneStateForKAndV),
        ("constant-views", "found slice of %c", () => Built(b => b.Slice(b.Constant("c", OpUse.Type("f32[8]")), 0, 0, 4))),
        ("constant-views", "found permute of %v",
            () => Built(b => b.Permute(b.Reshape(b.Constant("c", OpUse.Type("f32[8]")), 2, 4), 1, 0))),
        ("outputs", "found output 's' of %s, a state", () => Built(b => b.Output("s", b.State("s", s_state)))),
        ("outputs", "found the name 'x' empty, too long or twice", OutputTwice),
        ("outputs", "found output 'y' of a value of another graph",
            () => Built(b => b.Output("y", new GraphBuilder("b").Input("y", s_vector)))),
    ];

    public static TheoryData<int> Broken => [.. Enumerable.Range(0, s_broken.Length)];

    [Theory]
    [MemberData(nameof(Broken))]
    public void Verify_of_a_broken_graph_names_rule_and_place(int index)
    {
        (string rule, string message, Func<Graph> build) = s_broken[index];

        var e = Assert.Throws<VerifierException>(() => Verifier.Verify(build()));

        Assert.True(e.Rule == rule, $"expected rule {rule}, found: {e.Message}");
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_rule_has_a_broken_graph() =>
        Assert.Empty(Verifier.Rules.Select(rule => rule.Name).Except(s_broken.Select(b => b.Rule)));

    [Fact]
    public void Verify_accepts_the_small_graph() => Verifier.Verify(Graphs.Small());

    [Fact]
    public void Verify_accepts_reads_of_each_version_before_the_next()
    {
        GraphBuilder builder = new("reads");
        Value index = builder.Input("i", OpUse.Type("i32[T]"));
        Value state = builder.State("s", s_state);
        Value before = builder.GatherRows(state, index);
        Value next = builder.ScatterRows(state, index, before);
        builder.Output("y", builder.GatherRows(builder.ScatterRows(next, index, builder.GatherRows(next, index)), index));

        Verifier.Verify(builder.Build());
    }

    private static Graph Built(Action<GraphBuilder> build)
    {
        GraphBuilder builder = new("broken");
        build(builder);
        return builder.Build();
    }

    private static Graph WithInputs(Func<Value, ImmutableArray<Value>> inputs) =>
        new("broken", inputs(new(ValueKind.Input, "x", s_vector)), [], [], [], []);

    private static Graph WithOperations(Func<Operation, ImmutableArray<Operation>> operations)
    {
        Graph graph = Built(b => b.Silu(b.Input("x", s_vector)));
        return new("broken", graph.Inputs, [], [], operations(graph.Operations[0]), []);
    }

    private static Graph UsedBeforeDefined()
    {
        Graph graph = Built(b => b.Silu(b.Silu(b.Input("x", s_vector))));
        return new("broken", graph.Inputs, [], [], [.. graph.Operations.Reverse()], []);
    }

    private static Graph ForeignOperand()
    {
        Value foreign = new GraphBuilder("other").Input("z", s_vector);
        return Built(b => b.Silu(foreign));
    }

    /// <summary>A silu with types that the builder would refuse.</summary>
    private static Graph Handmade(string operand, string result)
    {
        Value x = new(ValueKind.Input, "x", OpUse.Type(operand));
        Value y = new(ValueKind.Result, "v", OpUse.Type(result));
        Operation operation = new(Silu.Instance, [x], Attributes.Empty, [y]);
        y.Producer = operation;
        return new("broken", [x], [], [], [operation], []);
    }

    private static Graph Scatter(Func<GraphBuilder, Value> state, Func<GraphBuilder, TensorType, Value>? rows = null) => Built(b =>
    {
        TensorType type = OpUse.Type(rows is null ? "f32[T, 4, 8]" : "f32[9, 4, 8]");
        Value index = b.Input("i", OpUse.Type(rows is null ? "i32[T]" : "i32[9]"));
        b.ScatterRows(state(b), index, rows is null ? b.Input("rows", type) : rows(b, type));
    });

    private static Graph UpdateThatIsNoVersion()
    {
        Graph graph = Scatter(b => b.State("s", s_state));
        graph.Operations[0].Results[0].State = null;
        return graph;
    }

    private static Graph ReadOfAnOldVersion() => Built(b =>
    {
        (Value state, Value index) = (b.State("s", s_state), b.Input("i", OpUse.Type("i32[T]")));
        b.ScatterRows(state, index, b.Input("rows", OpUse.Type("f32[T, 4, 8]")));
        b.GatherRows(state, index);
    });

    private static Graph UpdateOfAnOldVersion() => Built(b =>
    {
        (Value state, Value index) = (b.State("s", s_state), b.Input("i", OpUse.Type("i32[T]")));
        Value rows = b.Input("rows", OpUse.Type("f32[T, 4, 8]"));
        b.ScatterRows(state, index, rows);
        b.ScatterRows(state, index, rows);
    });

    private static Graph OneStateForKAndV() => Built(b =>
    {
        ImmutableArray<Value> operands = Uses.AttentionBlock.Declare(b);
        b.AttentionBlock(operands.SetItem(11, operands[10]), Uses.AttentionBlock.Attributes);
    });

    private static Graph OutputTwice() => Built(b =>
    {
        Value x = b.Input("x", s_vector);
        b.Output("x", x);
        b.Output("x", x);
    });
}
