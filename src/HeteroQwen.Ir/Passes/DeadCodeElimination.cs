namespace HeteroQwen.Ir;

/// <summary>
/// Drops operations whose results no output and no state update needs, then the declarations that nothing reads. An operation that
/// updates a state is never dead.
/// </summary>
public static class DeadCodeElimination
{
    public static Graph Run(Graph graph)
    {
        HashSet<Value> live = [.. graph.Outputs.Select(o => o.Value)];
        foreach (Operation operation in graph.Operations.Reverse())
        {
            if (operation.UpdatesState || operation.Results.Any(live.Contains))
            {
                live.UnionWith(operation.Operands);
                live.UnionWith(operation.Results);
            }
        }

        return GraphRewriter.Rewrite(graph, GraphRewriter.Keep, live.Contains);
    }
}
