using System.Collections.Immutable;

namespace HeteroQwen.Ir.Tests;

public sealed class DecompositionTests
{
    private static readonly ImmutableArray<OpUse> s_composites =
        [.. Uses.Valid.Select(v => v.Use).Where(use => use.Definition.Class is OpClass.Inner or OpClass.Block)];

    public static TheoryData<int> Composites => [.. Enumerable.Range(0, s_composites.Length)];

    [Theory]
    [MemberData(nameof(Composites))]
    public void Decompose_gives_the_types_of_the_composite_in_a_graph_that_verifies(int index)
    {
        OpUse use = s_composites[index];
        GraphBuilder builder = new("decomposed");

        ImmutableArray<Value> results = use.Definition.Decompose(builder, use.Declare(builder), use.Attributes);

        Assert.Equal(use.Infer(), results.Select(r => r.Type));
        Verifier.Verify(builder.Build());
        foreach ((int operand, int result) in use.Definition.StateUpdates)
        {
            Assert.Equal($"s{operand}", results[result].State!.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Composites))]
    public void Decompose_over_and_over_ends_in_primitives_of_the_same_types(int index)
    {
        OpUse use = s_composites[index];
        Graph graph = GraphOf(use);

        for (int i = 0; graph.Operations.Any(IsComposite); i++)
        {
            Assert.True(i < 10, "a composite that decomposes into itself");
            graph = GraphRewriter.Rewrite(graph, (builder, operation, operands) => IsComposite(operation)
                ? operation.Definition.Decompose(builder, operands, operation.Attributes)
                : GraphRewriter.Keep(builder, operation, operands));
            Verifier.Verify(graph);
        }

        Assert.Equal(use.Infer()[0], graph.Outputs[0].Value.Type);
    }

    [Fact]
    public void Decompose_of_a_primitive_is_refused() =>
        Assert.Throws<InvalidOperationException>(() => TopK.Instance.Decompose(new("none"), [], Attributes.Empty));

    private static bool IsComposite(Operation operation) => operation.Definition.Class is OpClass.Inner or OpClass.Block;

    private static Graph GraphOf(OpUse use)
    {
        GraphBuilder builder = new("composite");
        builder.Output("y", builder.Emit(use.Definition, use.Declare(builder), use.Attributes)[0]);
        return builder.Build();
    }
}
