using CsCheck;

namespace HeteroQwen.Ir.Tests;

public sealed class PassTests
{
    [Fact]
    public void DeadCodeElimination_drops_what_no_output_needs()
    {
        Graph graph = Parse(
            """
            input %x : f32[T]
            input %unused : f32[T]
            const %w : f32[T]
            state %never : f32[4, 4]
            %a = silu(%x) : f32[T]
            %dead = unary(%a) {kind = "neg"} : f32[T]
            %deader = swiglu(%dead, %w) : f32[T]
            %b = silu(%a) : f32[T]
            output "y" = %b
            """);

        AssertText(
            """
              input %x : f32[T]

              %a = silu(%x) : f32[T]
              %b = silu(%a) : f32[T]

              output "y" = %b
            """,
            DeadCodeElimination.Run(graph));
    }

    [Fact]
    public void DeadCodeElimination_keeps_updates_of_states_and_what_they_need()
    {
        Graph graph = Parse(
            """
            input %i : i32[T]
            input %rows : f32[T, 4]
            state %s : f32[64, 4]
            %old = gather_rows(%s, %i) : f32[T, 4]
            %new = binary(%old, %rows) {kind = "add"} : f32[T, 4]
            %s.2 = scatter_rows(%s, %i, %new) : f32[64, 4]
            %dead = gather_rows(%s.2, %i) : f32[T, 4]
            """);

        Assert.Equal(["gather_rows", "binary", "scatter_rows"], DeadCodeElimination.Run(graph).Operations.Select(o => o.Definition.Name));
    }

    [Fact]
    public void DeadCodeElimination_keeps_an_operation_of_which_one_result_is_read()
    {
        Graph graph = Parse("input %x : f32[T, 4]\n%v, %i = top_k(%x) {k = 1} : f32[T, 1], i32[T, 1]\noutput \"i\" = %i");

        Assert.Equal(GraphPrinter.Print(graph), GraphPrinter.Print(DeadCodeElimination.Run(graph)));
    }

    [Fact]
    public void CommonSubexpressionElimination_merges_equal_operations_and_those_that_read_them()
    {
        Graph graph = Parse(
            """
            input %x : f32[T]
            %a = silu(%x) : f32[T]
            %b = silu(%x) : f32[T]
            %c = binary(%a) {kind = "mul", rhs = 2.0} : f32[T]
            %d = binary(%b) {kind = "mul", rhs = 2.0} : f32[T]
            %e = binary(%b) {kind = "mul", rhs = 3.0} : f32[T]
            %f = binary(%d, %e) {kind = "add"} : f32[T]
            output "y" = %f
            output "d" = %d
            """);

        AssertText(
            """
              input %x : f32[T]

              %a = silu(%x) : f32[T]
              %c = binary(%a) {kind = "mul", rhs = 2.0} : f32[T]
              %e = binary(%a) {kind = "mul", rhs = 3.0} : f32[T]
              %f = binary(%c, %e) {kind = "add"} : f32[T]

              output "y" = %f
              output "d" = %c
            """,
            CommonSubexpressionElimination.Run(graph));
    }

    [Fact]
    public void CommonSubexpressionElimination_keeps_zeros_of_both_signs_apart()
    {
        Graph graph = Parse(
            """
            input %x : f32[T]
            %a = binary(%x) {kind = "div", lhs = 1.0} : f32[T]
            %b = binary(%a) {kind = "mul", rhs = 0.0} : f32[T]
            %c = binary(%a) {kind = "mul", rhs = -0.0} : f32[T]
            """);

        Assert.Equal(3, CommonSubexpressionElimination.Run(graph).Operations.Length);
    }

    [Fact]
    public void CommonSubexpressionElimination_merges_reads_of_one_version_and_never_updates()
    {
        Graph graph = Parse(
            """
            input %i : i32[T]
            input %rows : f32[T, 4]
            state %s : f32[64, 4]
            state %t : f32[64, 4]
            %a = gather_rows(%s, %i) : f32[T, 4]
            %b = gather_rows(%s, %i) : f32[T, 4]
            %s.2 = scatter_rows(%s, %i, %rows) : f32[64, 4]
            %s.3 = scatter_rows(%s.2, %i, %rows) : f32[64, 4]
            %c = gather_rows(%s.3, %i) : f32[T, 4]
            %d = gather_rows(%s.3, %i) : f32[T, 4]
            %t.2 = scatter_rows(%t, %i, %rows) : f32[64, 4]
            output "a" = %b
            output "c" = %d
            """);

        Graph merged = CommonSubexpressionElimination.Run(graph);

        Assert.Equal(["a", "s.2", "s.3", "c", "t.2"], merged.Operations.Select(o => o.Results[0].Name));
        Assert.Equal(["a", "c"], merged.Outputs.Select(o => o.Value.Name));
    }

    [Fact]
    public void Passes_on_any_graph_give_one_that_verifies_and_that_they_leave_alone()
    {
        TextFormTests.GenGraph.Sample(
            graph =>
            {
                foreach (Func<Graph, Graph> pass in (Func<Graph, Graph>[])[DeadCodeElimination.Run, CommonSubexpressionElimination.Run])
                {
                    Graph once = pass(graph);
                    Verifier.Verify(once);
                    Assert.Equal(GraphPrinter.Print(once), GraphPrinter.Print(pass(once)));
                }
            },
            iter: 300);
    }

    [Fact]
    public void Rewrite_keeps_the_names_of_operations_that_it_keeps()
    {
        Graph graph = Parse(
            """
            input %x : f32[T, 4]
            %v = softmax(%x) : f32[T, 4]
            %v.2 = silu(%v) : f32[T, 4]
            %v.3 = softmax(%v.2) : f32[T, 4]
            output "y" = %v.3
            """);

        Graph opened = GraphRewriter.Rewrite(graph, (builder, operation, operands) => operation.Definition == Softmax.Instance
            ? operation.Definition.Decompose(builder, operands, operation.Attributes)
            : GraphRewriter.Keep(builder, operation, operands));

        Verifier.Verify(opened);
        Assert.Equal("v.2", opened.Operations.Single(o => o.Definition == Silu.Instance).Results[0].Name);
        Assert.Equal(["v", "v.4", "v.5", "v.6", "v.7"], opened.Operations.Take(5).Select(o => o.Results[0].Name));
    }

    [Fact]
    public void Rewrite_of_the_longest_name_over_and_over_stays_within_the_limit()
    {
        Graph graph = Parse($"input %x : f32[T, 4]\n%{new string('n', 256)} = silu(%x) : f32[T, 4]");

        for (int i = 0; i < 20; i++)
        {
            graph = GraphRewriter.Rewrite(graph, (builder, operation, operands) => [builder.Silu(builder.Silu(operands[0]))]);
            Verifier.Verify(graph);
            graph = new(graph.Name, graph.Inputs, [], [], [graph.Operations[0]], []);
        }

        Assert.Single(graph.Operations);
    }

    private static Graph Parse(string statements) => GraphParser.Parse($"heteroqwen.ir 1 graph \"g\" {{\n{statements}\n}}");

    private static void AssertText(string body, Graph graph)
    {
        Verifier.Verify(graph);
        Assert.Equal($"heteroqwen.ir 1\ngraph \"g\" {{\n{body.ReplaceLineEndings("\n")}\n}}\n", GraphPrinter.Print(graph));
    }
}
