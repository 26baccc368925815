using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>All ops, in the order in which <c>docs/ir.md</c> describes them.</summary>
public static class OpCatalog
{
    public static ImmutableArray<OpDefinition> All { get; } =
    [
        Reshape.Instance, Permute.Instance, Slice.Instance, Broadcast.Instance,
        MatMul.Instance, Binary.Instance, Unary.Instance, Reduce.Instance,
        GatherRows.Instance, ScatterRows.Instance, Copy.Instance, TopK.Instance,
        RmsNorm.Instance, Softmax.Instance, Silu.Instance, SwiGlu.Instance, Rope.Instance, QkNormRope.Instance, Linear.Instance,
        Attention.Instance, MoeRoute.Instance, MoeFfn.Instance,
        AttentionBlock.Instance, FfnBlock.Instance, MoeBlock.Instance,
    ];

    private static readonly Dictionary<string, OpDefinition> s_byName = All.ToDictionary(op => op.Name, StringComparer.Ordinal);

    public static bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out OpDefinition? op) =>
        s_byName.TryGetValue(name, out op);
}
