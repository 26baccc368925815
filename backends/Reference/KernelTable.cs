using System.Collections.Immutable;
using HeteroQwen.Backends.Reference.Kernels;

namespace HeteroQwen.Backends.Reference;

/// <summary>Computes an op.</summary>
internal delegate void KernelBody(in Launch launch);

/// <summary>A kernel of the table.</summary>
/// <param name="Run">What it does.</param>
/// <param name="Ignores">Operands that it does not read.</param>
/// <param name="UpdatesOperand0">Result 0 is the next version of the state that operand 0 is.</param>
internal sealed record KernelEntry(KernelBody Run, ImmutableArray<int> Ignores, bool UpdatesOperand0)
{
    public KernelEntry(KernelBody run)
        : this(run, [], false)
    {
    }
}

/// <summary>The kernels by the names of their ops. Views run no kernel, and blocks are opened.</summary>
internal static class KernelTable
{
    private static readonly Dictionary<string, KernelEntry> s_kernels = new(StringComparer.Ordinal)
    {
        ["matmul"] = new(MatMulKernel.Run),
        ["binary"] = new(BinaryKernel.Run),
        ["unary"] = new(UnaryKernel.Run),
        ["reduce"] = new(ReduceKernel.Run),
        ["gather_rows"] = new(GatherRowsKernel.Run),
        ["scatter_rows"] = new(ScatterRowsKernel.Run, [], UpdatesOperand0: true),
        ["copy"] = new(CopyKernel.Run),
        ["top_k"] = new(TopKKernel.Run),
        ["rms_norm"] = new(RmsNormKernel.Run),
        ["softmax"] = new(SoftmaxKernel.Run),
        ["silu"] = new(SiluKernel.Run),
        ["swiglu"] = new(SiluKernel.RunGated),
        ["rope"] = new(RopeKernel.Run),
        ["qk_norm_rope"] = new(RopeKernel.RunNormed),
        ["linear"] = new(MatMulKernel.RunLinear),
        ["attention"] = new(AttentionKernel.Run, AttentionKernel.Ignores, UpdatesOperand0: false),
        ["moe_route"] = new(MoeRouteKernel.Run),
        ["moe_ffn"] = new(MoeFfnKernel.Run),
    };

    public static KernelEntry? Find(string name) => s_kernels.GetValueOrDefault(name);
}
