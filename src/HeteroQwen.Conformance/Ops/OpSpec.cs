using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>An op of a case, and how its operands are made.</summary>
/// <param name="Op">The op.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Bindings">Values of the symbols.</param>
/// <param name="Make">The operands from random numbers; the same numbers make the same bytes on every machine.</param>
public sealed record OpSpec(OpDefinition Op, Attributes Attributes, Bindings Bindings, Func<CaseRandom, OpTensor[]> Make)
{
    /// <summary>Operands are small integers whose partial sums are exact, so that results are bit-equal whatever the order.</summary>
    public bool IsProbe { get; init; }

    /// <summary>Whether the op, with these types, attributes and sizes, can occur in a lowering of a dense model, or of one with experts.</summary>
    public (bool Dense, bool Moe) Occurs { get; init; }
}
