using System.Collections.Immutable;
using HeteroQwen.Backends.Cpu.Blocks;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>Which ops have a kernel, which of their operands may be strided, and how a kernel is made.</summary>
internal static class KernelTable
{
    private static readonly Dictionary<string, Entry> s_entries = new(StringComparer.Ordinal)
    {
        ["matmul"] = new(0b011, 0b011, (op, c, pool) =>
            op.Operands.Length == 3 ? new IndexedMatMulKernel(op, c, pool) : new MatMulKernel(op, c, pool)),
        ["binary"] = new(0b11, 0, (op, c, pool) => new BinaryKernel(op, c, pool)),
        ["unary"] = new(0b1, 0, (op, c, pool) => new UnaryKernel(op, c, pool)),
        ["reduce"] = new(0b1, 0, (op, c, pool) => new ReduceKernel(op, c, pool)),
        ["gather_rows"] = new(0, 0b1, (op, c, pool) => new GatherRowsKernel(op, c, pool)),
        ["scatter_rows"] = new(0, 0, (op, c, pool) => new ScatterRowsKernel(op, c, pool)),
        ["copy"] = new(ulong.MaxValue, 0, (op, c, pool) => new CopyKernel(op, c, pool)),
        ["top_k"] = new(0b1, 0, (op, c, pool) => new TopKKernel(op, c, pool)),
        ["rms_norm"] = new(0b1, 0, (op, c, pool) => new RmsNormKernel(op, c, pool)),
        ["softmax"] = new(0b1, 0, (op, c, pool) => new SoftmaxKernel(op, c, pool)),
        ["silu"] = new(0b1, 0, (op, c, pool) => new UnaryKernel(op, c, pool)),
        ["swiglu"] = new(0b11, 0, (op, c, pool) => new SwiGluKernel(op, c, pool)),
        ["rope"] = new(0b111, 0, (op, c, pool) => new RopeKernel(op, c, pool)),
        ["qk_norm_rope"] = new(0b1101, 0, (op, c, pool) => new RopeKernel(op, c, pool)),
        ["linear"] = new(0b1, 0b11, (op, c, pool) => new MatMulKernel(op, c, pool)),
        ["attention"] = new(0b1, 0, (op, c, pool) => new AttentionKernel(op, c, pool)),
        ["moe_route"] = new(0b1, 0, (op, c, pool) => new MoeRouteKernel(op, c, pool)),
        ["moe_ffn"] = new(0b1, 0b111001, (op, c, pool) => new MoeFfnKernel(op, c, pool)),
    };

    /// <summary>The kernels of <see cref="Precision.Fast"/> that pack their weights; those of <see cref="s_entries"/> do the rest.</summary>
    private static readonly Dictionary<string, Entry> s_packing = new(StringComparer.Ordinal)
    {
        ["attention_block"] = new(0, 0, (op, c, pool) => new AttentionBlockKernel(op, c, pool)) { Packs = 0b111100 },
        ["ffn_block"] = new(0, 0, (op, c, pool) => new FfnBlockKernel(op, c, pool)) { Packs = 0b11100 },
        ["linear"] = new(0b1, 0, (op, c, pool) => new PackedLinearKernel(op, c, pool)) { Packs = 0b10 },
        ["moe_block"] = new(0, 0, (op, c, pool) => new MoeBlockKernel(op, c, pool)) { Packs = 0b111100 },
        ["moe_ffn"] = new(0b1, 0, (op, c, pool) => new PackedMoeFfnKernel(op, c, pool)) { Packs = 0b111000 },
    };

    public static CpuKernel Create(OpDescriptor op, ConstantData?[] constants, WorkerPool pool) =>
        Find(op)!.Create(op, constants, pool);

    /// <summary>Whether an operand is read row by row, wherever its rows lie.</summary>
    public static bool ReadsByRow(OpDescriptor op, int operand) => (Find(op)!.ByRow & (1UL << operand)) != 0;

    /// <summary>Whether an operand is a weight that the kernel packs, so that it needs the constant's bytes only to be prepared.</summary>
    public static bool Packs(OpDescriptor op, int operand) => (Find(op)!.Packs & (1UL << operand)) != 0;

    /// <summary>Bit i: the kernel makes what it reads of a generated operand i when it reads it.</summary>
    public static ulong MakesRows(string op) => op == GatherRows.Instance.Name ? 0b1u : 0;

    public static Support Supports(OpDescriptor op) => OpSupport.Answer(op, Find(op)?.Strided, ConstantBytes);

    /// <summary>The entry for the op in its precision and with its weights; null if there is none.</summary>
    private static Entry? Find(OpDescriptor op) =>
        op.Precision == Precision.Fast && s_packing.TryGetValue(op.Name, out Entry? packing) && packing.CanPack(op) ? packing
        : s_entries.GetValueOrDefault(op.Name);

    /// <summary>
    /// An upper bound: weights are packed, or read where they lie; what is read otherwise may be joined from several ranges, and widened
    /// to f32.
    /// </summary>
    private static long ConstantBytes(OpDescriptor op)
    {
        long bytes = 0;
        for (int i = 0; i < op.Operands.Length; i++)
        {
            TensorDescriptor operand = op.Operands[i];
            if (operand.Role == TensorRole.Constant && Packs(op, i))
            {
                long matrices = operand.Rank == 3 ? operand.Dims[0].Constant : 1;
                bytes = checked(bytes + PackedMatrix.PackedBytes(
                    operand.Element, matrices, operand.Dims[^2].Constant, operand.Dims[^1].Constant));
            }
            else if (operand.Role == TensorRole.Constant && !ReadsByRow(op, i))
            {
                long elements = new Shape(operand.Dims.AsSpan()).Elements(default);
                bytes = checked(bytes + (elements * sizeof(float)) + operand.Element.Bytes(elements));
            }
        }

        return bytes;
    }

    /// <param name="Strided">Bit i: operand i may be strided.</param>
    /// <param name="ByRow">Bit i: operand i is read row by row, so that a constant's ranges need not be joined.</param>
    /// <param name="Create">Makes the kernel.</param>
    private sealed record Entry(ulong Strided, ulong ByRow, Func<OpDescriptor, ConstantData?[], WorkerPool, CpuKernel> Create)
    {
        /// <summary>Bit i: operand i is a weight that the kernel packs.</summary>
        public ulong Packs { get; init; }

        /// <summary>Whether the weights are constants of types that can be packed.</summary>
        public bool CanPack(OpDescriptor op) => op.Operands.Index().All(o => o.Index >= OpSupport.MostOperands || (Packs & (1UL << o.Index)) == 0
            || (o.Item.Role == TensorRole.Constant && o.Item.Rank is 2 or 3 && PackedMatrix.Packs(o.Item.Element)
                && o.Item.Dims.All(d => d.IsConstant && d.Constant > 0)));
    }
}
