using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>Which ops have a kernel, which of their operands may be strided, and how a kernel is made.</summary>
internal static class KernelTable
{
    private const int MostOperands = 64;

    private static readonly Dictionary<string, Entry> s_entries = new(StringComparer.Ordinal)
    {
        ["matmul"] = new(0b11, (op, device) => new MatMulKernel(op, device)),
        ["binary"] = new(0b11, (op, device) => new BinaryKernel(op, device)),
        ["unary"] = new(0b1, (op, device) => new ActivationKernel(op, device)),
        ["reduce"] = new(0b1, (op, device) => new ReduceKernel(op, device)),
        ["gather_rows"] = new(0, (op, device) => new GatherRowsKernel(op, device)),
        ["scatter_rows"] = new(0, (op, device) => new ScatterRowsKernel(op, device)),
        ["copy"] = new(ulong.MaxValue, (op, device) => new CopyKernel(op, device)),
        ["top_k"] = new(0, (op, device) => new RowKernel(op, device)),
        ["rms_norm"] = new(0, (op, device) => new RowKernel(op, device)),
        ["softmax"] = new(0, (op, device) => new RowKernel(op, device)),
        ["silu"] = new(0b1, (op, device) => new ActivationKernel(op, device)),
        ["swiglu"] = new(0b11, (op, device) => new ActivationKernel(op, device)),
        ["rope"] = new(0, (op, device) => new RowKernel(op, device)),
        ["qk_norm_rope"] = new(0, (op, device) => new RowKernel(op, device)),
        ["linear"] = new(0, (op, device) => new LinearKernel(op, device)),
        ["attention"] = new(0, (op, device) => new AttentionKernel(op, device)),
        ["moe_route"] = new(0, (op, device) => new RowKernel(op, device)),
        ["moe_ffn"] = new(0, (op, device) => new MoeFfnKernel(op, device)),
    };

    public static ClKernel Create(OpenClDevice device, OpDescriptor op) => s_entries[op.Name].Create(op, device);

    public static Support Supports(OpDescriptor op, DeviceFacts facts)
    {
        if (!s_entries.TryGetValue(op.Name, out Entry? entry))
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
            string? misfit = Misfit(op, entry.Strided) ?? entry.Limit?.Invoke(op, facts);
            return misfit is null ? Support.Yes(entry.StridedOf(op), ConstantBytes(op)) : Support.No(misfit);
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
            // Kernels count a row in 32 bits.
            if (tensor.Rank > 0 && tensor.Dim(-1, op.Maxima) > int.MaxValue / 64)
            {
                return "a row is too long";
            }

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

    /// <summary>Constants lie on the device as they do in files.</summary>
    private static long ConstantBytes(OpDescriptor op)
    {
        long bytes = 0;
        foreach (TensorDescriptor constant in op.Operands.Where(o => o.Role == TensorRole.Constant))
        {
            bytes = checked(bytes + constant.Element.Bytes(new Shape(constant.Dims.AsSpan()).Elements(default)));
        }

        return bytes;
    }

    /// <param name="Strided">Bit i: operand i may be strided.</param>
    /// <param name="Create">Makes the kernel.</param>
    /// <param name="Limit">Why this device cannot run the op, or null.</param>
    private sealed record Entry(
        ulong Strided, Func<OpDescriptor, OpenClDevice, ClKernel> Create, Func<OpDescriptor, DeviceFacts, string?>? Limit = null)
    {
        /// <summary>The bits of the operands that are there, no constants and not quantised.</summary>
        public ulong StridedOf(OpDescriptor op)
        {
            ulong mask = 0;
            for (int i = 0; i < op.Operands.Length; i++)
            {
                mask |= op.Operands[i].Role == TensorRole.Constant || op.Operands[i].Element.IsQuantized() ? 0 : Strided & (1UL << i);
            }

            return mask;
        }
    }
}
