using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// Builds a new graph from an old one, operation by operation: the walk that passes and lowering share. Declarations and outputs
/// are carried over.
/// </summary>
public static class GraphRewriter
{
    private const int MaxScopeLength = VerifierRules.MaxNameLength - 32;

    /// <summary>Emits what an operation becomes, and returns the values that stand for its results from there on.</summary>
    /// <param name="builder">The new graph; its scope is the name of the operation's first result.</param>
    /// <param name="operation">The operation of the old graph.</param>
    /// <param name="operands">Its operands in the new graph.</param>
    /// <returns>As many values as the operation has results.</returns>
    public delegate ImmutableArray<Value> Emit(GraphBuilder builder, Operation operation, ImmutableArray<Value> operands);

    /// <summary>The operation itself, under the names that it had: what a callback returns for an operation that it leaves alone.</summary>
    public static ImmutableArray<Value> Keep(GraphBuilder builder, Operation operation, ImmutableArray<Value> operands) =>
        builder.Emit(operation.Definition, operands, operation.Attributes, [.. operation.Results.Select(r => r.Name)]);

    /// <summary>
    /// The graph in which each operation is what <paramref name="emit"/> makes of it. In Debug builds the new graph is verified.
    /// </summary>
    /// <param name="graph">The graph to rewrite; it stays as it is.</param>
    /// <param name="emit">Called for each operation in order, if one of its results is wanted.</param>
    /// <param name="wanted">Tells which values are wanted, operands of wanted ones included; all, if absent.</param>
    public static Graph Rewrite(Graph graph, Emit emit, Func<Value, bool>? wanted = null)
    {
        GraphBuilder builder = new(graph.Name);
        Dictionary<Value, Value> map = builder.DeclareLike(graph, wanted);
        ImmutableArray<Operation> operations = [.. graph.Operations.Where(o => wanted is null || o.Results.Any(wanted))];
        foreach (Value result in operations.SelectMany(o => o.Results))
        {
            builder.Reserve(result.Name);
        }

        foreach (Operation operation in operations)
        {
            foreach (Value result in operation.Results)
            {
                builder.Release(result.Name);
            }

            // Cut, since each opening of a composite adds a number and names have a greatest length.
            string name = operation.Results[0].Name;
            builder.Scope = name.Length <= MaxScopeLength ? name : name[..MaxScopeLength];
            ImmutableArray<Value> replacements = emit(builder, operation, [.. operation.Operands.Select(o => map[o])]);
            for (int i = 0; i < operation.Results.Length; i++)
            {
                map[operation.Results[i]] = replacements[i];
            }
        }

        foreach (GraphOutput output in graph.Outputs)
        {
            builder.Output(output.Name, map[output.Value]);
        }

        Graph rewritten = builder.Build();
        Verifier.VerifyInDebug(rewritten);
        return rewritten;
    }
}
