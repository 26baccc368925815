using CsCheck;

namespace HeteroQwen.Ir.Tests;

public sealed class TextFormTests
{
    internal static readonly Gen<Graph> GenGraph =
        Gen.Select(Gen.Int, Gen.Double).Select((choice, real) => (choice, real)).List[0, 60].Select(Graphs.FromNumbers);

    [Fact]
    public void Print_of_the_small_graph_is_the_golden_text()
    {
        string golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "small.ir.txt"));

        Assert.Equal(golden, GraphPrinter.Print(Graphs.Small()));
    }

    [Fact]
    public void Parse_of_the_golden_text_prints_it_again() => AssertRoundTrip(Graphs.Small());

    [Fact]
    public void Parse_of_a_printed_graph_prints_the_same_text() => GenGraph.Sample(graph => _ = AssertRoundTrip(graph), iter: 500);

    [Fact]
    public void Parse_of_an_empty_graph_prints_the_same_text() => AssertRoundTrip(new GraphBuilder("").Build());

    [Fact]
    public void Parse_of_a_double_keeps_its_bits()
    {
        double[] values = [0.0, -0.0, 3.0, 0.1, 1e300, double.Epsilon, double.NaN, double.NegativeInfinity, double.PositiveInfinity];
        GraphBuilder builder = new("reals");
        Value x = builder.Input("x", OpUse.Type("f32[T]"));
        foreach (double value in values)
        {
            builder.Binary("mul", x, value);
        }

        Graph parsed = AssertRoundTrip(builder.Build());

        Assert.Equal(
            values.Select(BitConverter.DoubleToInt64Bits),
            parsed.Operations.Select(o => BitConverter.DoubleToInt64Bits(o.Attributes.Float64("rhs"))));
    }

    [Fact]
    public void Parse_of_comments_and_odd_spacing_gives_the_plain_graph()
    {
        const string Text = "// a case\r\nheteroqwen.ir 1 // version\n"
            + "graph\"g\"{input%x:f32[ T,B + 1 ]%y=silu(\n%x // the operand\n):f32[T,B+1]output\"y\"=%y}// end";

        Assert.Equal(
            """
            heteroqwen.ir 1
            graph "g" {
              input %x : f32[T, B+1]

              %y = silu(%x) : f32[T, B+1]

              output "y" = %y
            }

            """.ReplaceLineEndings("\n"),
            GraphPrinter.Print(GraphParser.Parse(Text)));
    }

    [Fact]
    public void PrintOperation_is_one_line_with_attributes_and_types() => Assert.Equal(
        "%model.last.4, %model.last.5 = top_k(%model.last.3) {k = 2} : f32[R, 2], i32[R, 2]",
        GraphPrinter.PrintOperation(Graphs.Small().Operations[^1]));

    private static Graph AssertRoundTrip(Graph graph)
    {
        string text = GraphPrinter.Print(graph);
        Graph parsed = GraphParser.Parse(text);
        Assert.Equal(text, GraphPrinter.Print(parsed));
        return parsed;
    }
}
