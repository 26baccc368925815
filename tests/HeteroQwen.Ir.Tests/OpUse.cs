using System.Collections.Immutable;

namespace HeteroQwen.Ir.Tests;

/// <summary>One use of an op, by types alone: what constraints and inference see.</summary>
public sealed record OpUse(string Op, ImmutableArray<string> Operands, ImmutableDictionary<string, AttributeValue> Values)
{
    public OpUse(string op, string[] operands, params (string Name, AttributeValue Value)[] attributes)
        : this(op, [.. operands], attributes.ToImmutableDictionary(a => a.Name, a => a.Value))
    {
    }

    public OpDefinition Definition => OpCatalog.TryGet(Op, out OpDefinition? op) ? op : throw new ArgumentException($"no op {Op}");

    public Attributes Attributes => new([.. Values.Select(pair => (pair.Key, pair.Value))]);

    public ImmutableArray<TensorType> Types => [.. Operands.Select(Type)];

    public static TensorType Type(string text)
    {
        int bracket = text.IndexOf('[', StringComparison.Ordinal);
        return ElementTypes.TryParse(text[..bracket], out ElementType element) && Shape.TryParse(text[bracket..], out Shape shape)
            ? new(element, shape)
            : throw new ArgumentException($"no type: {text}");
    }

    public OpUse With(int operand, string type) => this with { Operands = Operands.SetItem(operand, type) };

    public OpUse Plus(params string[] types) => this with { Operands = Operands.AddRange(types) };

    public OpUse Less() => this with { Operands = Operands.RemoveAt(Operands.Length - 1) };

    public OpUse Set(string name, AttributeValue value) => this with { Values = Values.SetItem(name, value) };

    public OpUse Unset(string name) => this with { Values = Values.Remove(name) };

    public ImmutableArray<TensorType> Infer() => Definition.Infer(Types, Attributes);

    /// <summary>Values of the operands' types: states where the op takes states, inputs else.</summary>
    public ImmutableArray<Value> Declare(GraphBuilder builder) =>
    [
        .. Types.Select((type, i) => Definition.StateOperands.Contains(i) ? builder.State($"s{i}", type) : builder.Input($"i{i}", type)),
    ];

    public override string ToString() => $"{Op}({string.Join(", ", Operands)}) {{{Attributes}}}";
}
