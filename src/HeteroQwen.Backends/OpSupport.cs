using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>The answer to an op that is offered, for a backend that has a table of its kernels: all that the table need not say.</summary>
public static class OpSupport
{
    /// <summary>Operands have bits of 64.</summary>
    public const int MostOperands = 64;

    /// <summary>
    /// Yes where types and results are those that the op's own inference gives, and layouts what the table allows; else no, with the
    /// reason.
    /// </summary>
    /// <param name="op">The op.</param>
    /// <param name="strided">Bit i: operand i may be strided; null if the table has no such op.</param>
    /// <param name="constantBytes">Upper bound of the device memory that the constants take.</param>
    /// <param name="limit">Why the device cannot run the op all the same, or null; itself null if it runs all.</param>
    public static Support Answer(
        OpDescriptor op, ulong? strided, Func<OpDescriptor, long> constantBytes, Func<OpDescriptor, string?>? limit = null)
    {
        ArgumentNullException.ThrowIfNull(op);
        ArgumentNullException.ThrowIfNull(constantBytes);
        if (strided is not { } mask)
        {
            return Support.No(
                OpCatalog.TryGet(op.Name, out OpDefinition? known) && known.Class == OpClass.Block
                    ? "blocks are opened; the ops inside have kernels"
                    : "no such op is known");
        }

        if (op.Operands.Length > MostOperands)
        {
            return Support.No($"{op.Operands.Length} operands; {MostOperands} at the most");
        }

        try
        {
            string? misfit = Misfit(op, mask) ?? limit?.Invoke(op);
            return misfit is null ? Support.Yes(StridedOf(op, mask), constantBytes(op)) : Support.No(misfit);
        }
        catch (OverflowException)
        {
            return Support.No("a size cannot be counted");
        }
        catch (Exception e) when (e is ConstraintException or InvalidOperationException)
        {
            return Support.No(e.Message);
        }
    }

    /// <summary>Why the descriptor is none of the op's, or null: types by the op's own inference, layouts by the table.</summary>
    /// <exception cref="ConstraintException">A constraint of the op does not hold.</exception>
    private static string? Misfit(OpDescriptor op, ulong strided)
    {
        for (int i = 0; i < op.Operands.Length; i++)
        {
            TensorDescriptor operand = op.Operands[i];
            if (operand.Strided && ((strided & (1UL << i)) == 0 || operand.Role == TensorRole.Constant))
            {
                return $"operand {i} is strided";
            }

            if (operand.Element.IsQuantized() && !IsWholeBlocks(operand))
            {
                return $"operand {i} is {(operand.Strided ? "strided" : "no whole number of blocks in each row")}";
            }

            if (operand.Role == TensorRole.Constant && operand.Dims.Any(d => !d.IsConstant))
            {
                return $"operand {i} is a constant of a symbolic shape";
            }
        }

        if (op.Results.Any(r => r.Strided))
        {
            return "a result is strided";
        }

        foreach (TensorDescriptor tensor in op.Operands.Concat(op.Results))
        {
            _ = checked(new Shape(tensor.Dims.AsSpan()).Elements(op.Maxima) * sizeof(float));
        }

        OpDefinition definition = OpCatalog.All.First(d => d.Name == op.Name);
        ImmutableArray<TensorType> types = definition.Infer([.. op.Operands.Select(TypeOf)], op.Attributes);
        return types.SequenceEqual(op.Results.Select(TypeOf)) ? null : $"the results are {string.Join(", ", types)}";
    }

    private static bool IsWholeBlocks(TensorDescriptor operand) =>
        !operand.Strided && operand.Rank > 0 && operand.Dims[^1].IsConstant
        && operand.Dims[^1].Constant % operand.Element.BlockElements() == 0;

    private static TensorType TypeOf(TensorDescriptor tensor) => new(tensor.Element, new Shape(tensor.Dims.AsSpan()));

    /// <summary>The bits of the operands that are there, no constants and not quantised.</summary>
    private static ulong StridedOf(OpDescriptor op, ulong strided)
    {
        ulong mask = 0;
        for (int i = 0; i < op.Operands.Length; i++)
        {
            mask |= op.Operands[i].Role == TensorRole.Constant || op.Operands[i].Element.IsQuantized() ? 0 : strided & (1UL << i);
        }

        return mask;
    }
}
