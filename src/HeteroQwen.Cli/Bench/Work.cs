using HeteroQwen.Ir;

namespace HeteroQwen.Cli.Bench;

/// <summary>
/// What an operation has to do at the least: multiplications and additions, and bytes of weights and KV cache that it reads.
/// Activations are left out: they mostly stay in caches.
/// </summary>
internal readonly record struct Work(double Operations, double Bytes)
{
    public static Work operator +(Work left, Work right) => new(left.Operations + right.Operations, left.Bytes + right.Bytes);

    /// <summary>The work of a lowered graph in all steps of a test.</summary>
    public static Work Of(Graph graph, BenchTest test, int largestStep) => test.Steps(largestStep).Aggregate(
        default(Work), (sum, step) => graph.Operations.Aggregate(sum, (all, operation) => all + Of(operation, step)));

    /// <summary>The work of one operation of a lowered graph in one step of one sequence.</summary>
    public static Work Of(Operation operation, in BenchStep step)
    {
        int rows = step.WantsLogits ? 1 : 0;
        Bindings bindings = new(step.Tokens, (long)step.Position + step.Tokens, 1, rows);
        Bindings real = bindings;
        if (operation.Definition.Class == OpClass.View || operation.Results.Any(r => r.Type.Shape.Elements(real) == 0))
        {
            return default;
        }

        // The op counts as if each token saw all N entries; of the last tokens' own it sees those before it.
        long window = operation.Attributes.TryGet("window", out AttributeValue value) ? value.Int64 : 0;
        Bindings seen = bindings with { N = EntriesSeen(step, window) };
        double operations = operation.Definition.Flops([.. operation.Operands.Select(o => o.Type)], operation.Attributes, seen);
        double bytes = 0;
        for (int i = 0; i < operation.Operands.Length; i++)
        {
            bytes += BytesRead(operation, i, bindings, window);
        }

        return new Work(operations, bytes);
    }

    /// <summary>Entries that a token of the step sees, on average and rounded.</summary>
    internal static long EntriesSeen(in BenchStep step, long window)
    {
        // Token i of T sees min(position + i, window) entries: the first few all that there are, the others a window full.
        long growing = window == 0 ? step.Tokens : Math.Clamp(window - step.Position, 0, step.Tokens);
        double sum = (growing * (double)step.Position) + (growing * (growing + 1) / 2.0) + ((step.Tokens - growing) * (double)window);
        return (long)Math.Round(sum / step.Tokens, MidpointRounding.AwayFromZero);
    }

    private static double BytesRead(Operation operation, int index, in Bindings bindings, long window)
    {
        Value operand = operation.Operands[index];
        if (operation.Definition is GatherRows)
        {
            Shape shape = operand.Type.Shape;
            return index == 0 && (IsWeight(operand) || operand.State is not null)
                ? operand.Type.Element.Bytes(shape.Elements(bindings) / shape[0].Resolve(bindings))
                    * (double)operation.Operands[1].Type.Shape.Elements(bindings)
                : 0;
        }

        if (operation.Definition.StateOperands.Contains(index) && operation.Definition is not ScatterRows)
        {
            Shape entry = new(operand.Type.Shape.Dims.Skip(1));
            long entries = window == 0 ? bindings.N : Math.Min(bindings.N, window + bindings.T - 1);
            return entries * (double)operand.Type.Element.Bytes(entry.Elements(bindings));
        }

        return IsWeight(operand) ? operand.Type.Bytes(bindings) * ExpertShare(operation, index, bindings) : 0;
    }

    /// <summary>Seen through views, a constant.</summary>
    private static bool IsWeight(Value value)
    {
        while (value.Producer is { Definition.Class: OpClass.View } view)
        {
            value = view.Operands[0];
        }

        return value.Kind == ValueKind.Constant;
    }

    /// <summary>
    /// The part of an operand that is read. Of experts no more than all tokens' choices; where these overlap that is an upper bound.
    /// </summary>
    private static double ExpertShare(Operation operation, int index, in Bindings bindings)
    {
        TensorType operand = operation.Operands[index].Type;
        double chosen = (operation.Definition, index) switch
        {
            (Ir.MoeBlock, >= 3) => bindings.T * (double)operation.Attributes.Int64("k"),
            (Ir.MoeFfn, >= 3) or (Ir.MatMul, 1) when operation.Operands.Length > 2 => operation.Operands[2].Type.Shape.Elements(bindings),
            _ => double.PositiveInfinity,
        };
        return operand.Rank == 3 ? Math.Min(1, chosen / operand.Shape[0].Resolve(bindings)) : 1;
    }
}
