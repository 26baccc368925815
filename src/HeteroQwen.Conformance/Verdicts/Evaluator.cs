using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>What an evaluation leaves out, to see whether a check would notice.</summary>
internal enum Drop
{
    Nothing,

    /// <summary>The last 32 terms of each sum and product, or the last one of 32 and fewer.</summary>
    Terms,

    /// <summary>The last entry that each token sees, where it sees several.</summary>
    KvEntry,
}

/// <summary>In which order an emulation adds the terms of a sum, each once.</summary>
internal enum TermOrder
{
    Forward,

    /// <summary>And with products rounded before they are added.</summary>
    Backward,

    /// <summary>All even ones before all odd ones.</summary>
    EvenOdd,
}

/// <summary>
/// Evaluates an op on plain arrays: a composite by its decomposition, down to primitives, in f64 or as a device declares. Shares no code
/// with any backend.
/// </summary>
/// <param name="arithmetic">How to round.</param>
/// <param name="bindings">Values of the symbols.</param>
/// <param name="drop">What to leave out.</param>
internal sealed class Evaluator(Arithmetic arithmetic, Bindings bindings, Drop drop = Drop.Nothing)
{
    private readonly Stack<string> _inside = new();

    /// <summary>Order of the terms where sums are rounded.</summary>
    public TermOrder Order { get; init; }

    /// <summary>The op's results.</summary>
    public Plain[] Run(OpDefinition op, IReadOnlyList<Plain> operands, Attributes attributes)
    {
        ImmutableArray<TensorType> types = op.Infer([.. operands.Select(o => o.Type)], attributes);
        if (op.Class == OpClass.View)
        {
            return [Views.Take(op, operands[0], attributes, types[0], bindings)];
        }

        bool isWhole = op.Class != OpClass.Block && (op.Class == OpClass.Inner || _inside.Count == 0);
        _inside.Push(op.Name);
        Numerics numerics = arithmetic.For(_inside.Reverse());
        bool moves = op.Name is "copy" or "gather_rows" or "scatter_rows" or "top_k";
        bool rounds = isWhole && !moves && !arithmetic.IsExact;
        operands = rounds ? [.. operands.Select(o => Enter(o, numerics))] : operands;
        Plain[] results = op.Class == OpClass.Primitive
            ? [.. new Primitives(arithmetic.IsExact ? null : numerics, bindings, drop) { Order = Order }.Run(op.Name, operands, attributes, types)]
            : Open(op, operands, attributes);
        _inside.Pop();
        return rounds ? [.. results.Select(r => Leave(r, numerics))] : results;
    }

    private Plain[] Open(OpDefinition op, IReadOnlyList<Plain> operands, Attributes attributes)
    {
        GraphBuilder builder = new("opened");
        Dictionary<Value, Plain> values = [];
        ImmutableArray<Value> standIns = [.. operands.Select((o, i) => o.Role == TensorRole.State
            ? builder.State($"o{i}", o.Type) : builder.Input($"o{i}", o.Type))];
        for (int i = 0; i < operands.Count; i++)
        {
            values[standIns[i]] = operands[i];
        }

        ImmutableArray<Value> results = op.Decompose(builder, standIns, attributes);
        foreach (Operation operation in builder.Build().Operations)
        {
            Plain[] made = Run(operation.Definition, [.. operation.Operands.Select(o => values[o])], operation.Attributes);
            for (int i = 0; i < made.Length; i++)
            {
                values[operation.Results[i]] = made[i];
            }
        }

        return [.. results.Select(r => values[r])];
    }

    /// <summary>Activations and weights are rounded on the way in to float formats; to int8 in products alone.</summary>
    private static Plain Enter(Plain x, Numerics numerics)
    {
        Rounding format = x.Role == TensorRole.Constant ? numerics.Weights : numerics.Operands;
        bool isFloat = x.Type.Element.IsFloat() || x.Type.Element.IsQuantized();
        if (!isFloat || (format.Kind != RoundingKind.Float && !numerics.FlushesSubnormals))
        {
            return x;
        }

        double[] values = [.. x.Values];
        Rounding to = format.Kind == RoundingKind.Float ? format : FloatRounding.F32;
        FloatRounding.RoundRows(values, Math.Max(1, x.Width), to, numerics.FlushesSubnormals);
        return x with { Values = values };
    }

    private static Plain Leave(Plain y, Numerics numerics)
    {
        if (y.Type.Element != ElementType.F32 || y.Role == TensorRole.State)
        {
            return y;
        }

        Rounding format = Arithmetic.ResultFormat(numerics);
        return y with { Values = [.. y.Values.Select(v => FloatRounding.Round(v, format, numerics.FlushesSubnormals))] };
    }
}
