using System.Numerics;

namespace HeteroQwen.Ir;

/// <summary>The rules of <see cref="Verifier"/>: each returns the first breach that it finds, or null.</summary>
internal static class VerifierRules
{
    internal const int MaxNameLength = 256;

    private const int MaxRank = 8;

    /// <summary>Largest product of a type's constant dimensions: above any model, and far enough below 2^63 for symbols.</summary>
    private static readonly BigInteger s_maxElements = BigInteger.One << 40;

    public static Finding? Defined(Graph graph)
    {
        HashSet<Value> defined = [];
        foreach (Value value in graph.Inputs.Concat(graph.Constants).Concat(graph.States))
        {
            if (!defined.Add(value) || value.Producer is not null)
            {
                return new(null, $"a second definition of %{value.Name}");
            }
        }

        foreach (Operation operation in graph.Operations)
        {
            if (operation.Operands.FirstOrDefault(o => !defined.Contains(o)) is Value missing)
            {
                return new(operation, $"%{missing.Name} before its definition, or of another graph");
            }

            if (operation.Results.FirstOrDefault(r => !defined.Add(r) || r.Producer != operation) is Value repeated)
            {
                return new(operation, $"a second definition of %{repeated.Name}");
            }
        }

        return null;
    }

    public static Finding? Names(Graph graph)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        return FirstOf(graph, value =>
            !IsName(value.Name) ? $"the name '{value.Name}'" : !names.Add(value.Name) ? $"%{value.Name} twice" : null);
    }

    public static Finding? Types(Graph graph) =>
        FirstOf(graph, value => TypeProblem(value.Type) is string problem ? $"{value}, {problem}" : null);

    public static Finding? Constraints(Graph graph)
    {
        foreach (Operation operation in graph.Operations)
        {
            try
            {
                _ = operation.Definition.Infer([.. operation.Operands.Select(o => o.Type)], operation.Attributes);
            }
            catch (ConstraintException e)
            {
                return new(operation, e.Message);
            }
        }

        return null;
    }

    public static Finding? Inferred(Graph graph) => FirstOf(graph, operation =>
    {
        var inferred = operation.Definition.Infer([.. operation.Operands.Select(o => o.Type)], operation.Attributes);
        return inferred.SequenceEqual(operation.Results.Select(r => r.Type)) ? null : $"{string.Join(", ", inferred)} inferred";
    });

    public static Finding? Versions(Graph graph)
    {
        if (graph.Inputs.Concat(graph.Constants).Any(v => v.State is not null) || graph.States.Any(v => v.State != v))
        {
            return new(null, "a declaration that is a version of another");
        }

        return FirstOf(graph, operation =>
        {
            for (int i = 0; i < operation.Results.Length; i++)
            {
                int update = Array.FindIndex([.. operation.Definition.StateUpdates], u => u.Result == i);
                Value? state = update < 0 ? null : operation.Operands[operation.Definition.StateUpdates[update].Operand].State;
                if (operation.Results[i].State != state)
                {
                    return $"%{operation.Results[i].Name} as a version of {operation.Results[i].State?.ToString() ?? "no state"}";
                }
            }

            return null;
        });
    }

    public static Finding? StateOperands(Graph graph) => FirstOf(graph, operation =>
        operation.Definition.StateOperands.Select(i => operation.Operands[i]).FirstOrDefault(o => o.State is null)?.ToString());

    public static Finding? StateUses(Graph graph) => FirstOf(graph, operation =>
    {
        for (int i = 0; i < operation.Operands.Length; i++)
        {
            bool takes = operation.Definition.StateOperands.Contains(i) || (operation.Definition == GatherRows.Instance && i == 0);
            if (!takes && operation.Operands[i].State is not null)
            {
                return $"%{operation.Operands[i].Name} as operand {i}";
            }
        }

        return null;
    });

    public static Finding? Newest(Graph graph)
    {
        var newest = graph.States.ToDictionary(state => state);
        return FirstOf(graph, operation =>
        {
            if (operation.Operands.FirstOrDefault(o => o.State is not null && newest[o.State] != o) is Value old)
            {
                return $"%{old.Name} after %{newest[old.State!].Name} has replaced it";
            }

            foreach ((int operand, int result) in operation.Definition.StateUpdates)
            {
                Value before = operation.Operands[operand];
                if (newest[before.State!] != before)
                {
                    return $"%{before.Name} updated twice by one operation";
                }

                newest[before.State!] = operation.Results[result];
            }

            return null;
        });
    }

    public static Finding? ConstantViews(Graph graph)
    {
        // A reshaped constant is one still.
        HashSet<Value> constants = [.. graph.Constants];
        return FirstOf(graph, operation =>
        {
            if (operation.Definition.Class != OpClass.View || !constants.Contains(operation.Operands[0]))
            {
                return null;
            }

            constants.Add(operation.Results[0]);
            return operation.Definition == Reshape.Instance ? null : $"{operation.Definition.Name} of %{operation.Operands[0].Name}";
        });
    }

    public static Finding? Outputs(Graph graph)
    {
        HashSet<Value> values = [.. Values(graph).Select(v => v.Value)];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach ((string name, Value value) in graph.Outputs)
        {
            string? problem = name.Length is 0 or > MaxNameLength || !names.Add(name) ? $"the name '{name}' empty, too long or twice"
                : !values.Contains(value) ? $"output '{name}' of a value of another graph"
                : value.State is not null ? $"output '{name}' of %{value.Name}, a state" : null;
            if (problem is not null)
            {
                return new(null, problem);
            }
        }

        return null;
    }

    internal static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.');

    /// <summary>What is wrong with a type, or null.</summary>
    internal static string? TypeProblem(TensorType type)
    {
        BigInteger elements = type.Shape.Dims.Where(d => d.IsConstant)
            .Aggregate(BigInteger.One, (product, d) => product * Math.Max(1, d.Constant));
        int block = type.Element.BlockElements();
        return type.Rank > MaxRank ? $"more than {MaxRank} dimensions"
            : elements > s_maxElements ? "more than 2^40 elements"
            : block > 1 && (type.Rank == 0 || !type.Shape.Last.IsConstant || type.Shape.Last.Constant % block != 0)
                ? $"a last dimension that is no whole number of blocks of {block}"
            : null;
    }

    private static IEnumerable<(Operation? Operation, Value Value)> Values(Graph graph) =>
        graph.Inputs.Concat(graph.Constants).Concat(graph.States).Select(v => ((Operation?)null, v))
            .Concat(graph.Operations.SelectMany(o => o.Results.Select(r => ((Operation?)o, r))));

    private static Finding? FirstOf(Graph graph, Func<Value, string?> check) =>
        Values(graph).Select(v => (v.Operation, Problem: check(v.Value))).Where(v => v.Problem is not null)
            .Select(v => new Finding(v.Operation, v.Problem!)).FirstOrDefault();

    private static Finding? FirstOf(Graph graph, Func<Operation, string?> check) =>
        graph.Operations.Select(o => (Operation: o, Problem: check(o))).Where(o => o.Problem is not null)
            .Select(o => new Finding(o.Operation, o.Problem!)).FirstOrDefault();
}
