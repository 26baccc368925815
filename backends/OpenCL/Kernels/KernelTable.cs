using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>Which ops have a kernel, which of their operands may be strided, and how a kernel is made.</summary>
internal static class KernelTable
{
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
        Entry? entry = s_entries.GetValueOrDefault(op.Name);
        return OpSupport.Answer(op, entry?.Strided, ConstantBytes, o => LongRow(o) ?? entry?.Limit?.Invoke(o, facts));
    }

    /// <summary>Kernels count a row in 32 bits.</summary>
    private static string? LongRow(OpDescriptor op) =>
        op.Operands.Concat(op.Results).Any(t => t.Rank > 0 && t.Dim(-1, op.Maxima) > int.MaxValue / 64) ? "a row is too long" : null;

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
    {    }
}
