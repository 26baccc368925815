using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>What an op is to lowering.</summary>
public enum OpClass
{
    /// <summary>Renames elements; no kernel.</summary>
    View,

    /// <summary>Has a meaning of its own and no decomposition.</summary>
    Primitive,

    /// <summary>A composite with a meaning of its own (its formula, rounded once) and a decomposition that agrees within bounds.</summary>
    Inner,

    /// <summary>A composite that means its opened form and nothing else.</summary>
    Block,
}

/// <summary>
/// The definition of an op: one per op, one file per op, listed in <see cref="OpCatalog"/>. It is data and shape inference;
/// what an op computes is written in <c>docs/ir.md</c> and done by the reference backend.
/// </summary>
public abstract class OpDefinition
{
    /// <summary>Name in the text form and on the backend line.</summary>
    public abstract string Name { get; }

    public abstract OpClass Class { get; }

    /// <summary>Constraints C1..Cn in order, as <c>docs/ir.md</c> lists them.</summary>
    public abstract ImmutableArray<string> Constraints { get; }

    /// <summary>Names of the operands in order; an op with a variable number names the last of them once, ending in "...".</summary>
    public abstract ImmutableArray<string> OperandNames { get; }

    /// <summary>Pairs (operand, result): the result is the next version of the state that the operand is, written in place.</summary>
    public virtual ImmutableArray<(int Operand, int Result)> StateUpdates => [];

    /// <summary>Operands that must be a state or a version of one.</summary>
    public virtual ImmutableArray<int> StateOperands => [.. StateUpdates.Select(u => u.Operand)];

    /// <summary>Types of the results.</summary>
    /// <exception cref="ConstraintException">A constraint does not hold.</exception>
    public abstract ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes);

    /// <summary>Emits the decomposition of a composite and returns its results, in order.</summary>
    public virtual ImmutableArray<Value> Decompose(GraphBuilder builder, ImmutableArray<Value> operands, Attributes attributes) =>
        throw new InvalidOperationException($"{Name} has no decomposition");

    /// <summary>Multiplications and additions of one run, to weigh ops against each other; movement counts 0.</summary>
    public virtual double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) => 0;

    /// <summary>Throws unless the condition of constraint C<paramref name="number"/> holds.</summary>
    protected void Require(bool condition, int number, string found)
    {
        if (!condition)
        {
            throw new ConstraintException(this, number, found);
        }
    }

    /// <summary>Constraint: the number of operands lies within bounds, and just the attributes named are there, each of its kind.</summary>
    protected void RequireForm(
        int number, ImmutableArray<TensorType> operands, int least, int most, Attributes attributes,
        params ReadOnlySpan<(string Name, AttributeKind Kind)> required)
    {
        Require(operands.Length >= least && operands.Length <= most, number, $"{operands.Length} operands");
        foreach ((string name, AttributeKind kind) in required)
        {
            Require(attributes.TryGet(name, out AttributeValue value) && value.Kind == kind, number, $"attributes {{{attributes}}}");
        }

        Require(attributes.Count == required.Length, number, $"attributes {{{attributes}}}");
    }
}

/// <summary>A constraint of an op does not hold. The message names op, label, the constraint and what was found.</summary>
public sealed class ConstraintException(OpDefinition op, int number, string found)
    : Exception($"{op.Name} C{number}: {op.Constraints[number - 1]}; found {found}")
{
    public string Op { get; } = op.Name;

    /// <summary>The label, such as <c>C3</c>.</summary>
    public string Label { get; } = $"C{number}";
}
