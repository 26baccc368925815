using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// Computes once what several operations compute alike: same op, operands and attributes. Reads of a state are merged if of the same
/// version, since each version is a value of its own; updates never are, since a version is updated once.
/// </summary>
public static class CommonSubexpressionElimination
{
    public static Graph Run(Graph graph)
    {
        Dictionary<Key, ImmutableArray<Value>> seen = [];
        return GraphRewriter.Rewrite(graph, (builder, operation, operands) =>
        {
            Key key = new(operation.Definition, operands, operation.Attributes);
            if (!seen.TryGetValue(key, out ImmutableArray<Value> results))
            {
                results = GraphRewriter.Keep(builder, operation, operands);
                seen[key] = results;
            }

            return results;
        });
    }

    private sealed record Key(OpDefinition Definition, ImmutableArray<Value> Operands, Attributes Attributes)
    {
        public bool Equals(Key? other) => other is not null && Definition == other.Definition
            && Operands.AsSpan().SequenceEqual(other.Operands.AsSpan()) && Attributes.Equals(other.Attributes);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.Add(Definition);
            hash.Add(Attributes);
            foreach (Value operand in Operands)
            {
                hash.Add(operand);
            }

            return hash.ToHashCode();
        }
    }
}
