using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Ops of usual shapes whose kernels may want workspace, or whose weights they pack.</summary>
internal static class WorkspaceOps
{
    private static readonly Bindings s_maxima = new(33, 70, 5, 5);

    public static ImmutableArray<OpDescriptor> All { get; } =
    [
        Of(Linear.Instance, Attributes.Empty, Rows(64), Weight(ElementType.F32, 96, 64)),
        Of(Linear.Instance, Attributes.Empty, Rows(256), Weight(ElementType.Q8_0, 32, 256)),
        Of(RmsNorm.Instance, new(("eps", 1e-6)), Rows(64), Weight(ElementType.F32, 64)),
        Of(SwiGlu.Instance, Attributes.Empty, Rows(64), Rows(64)),
        Of(TopK.Instance, new(("k", 4L)), Rows(64)),
        Of(Reduce.Instance, new(("kind", "sum"), ("axis", 1L)), Rows(64)),
    ];

    /// <summary>The op in a precision that the device offers, or null where it does not run it.</summary>
    public static OpDescriptor? Offer(RuntimeBench bench, OpDescriptor op)
    {
        OpDescriptor offered = op with { Precision = bench.Capabilities.Precisions[^1] };
        Ok(bench.Device.Supports(offered, out Support support), $"supports {offered}");
        return support.IsSupported ? offered : null;
    }

    public static IKernel Prepare(RuntimeBench bench, OpDescriptor op)
    {
        ConstantData?[] constants = [.. op.Operands.Select((o, i) => o.Role == TensorRole.Constant ? Generated(o, i) : null)];
        Ok(bench.Device.Prepare(op, constants, out IKernel? kernel), $"prepare {op} after supports said yes");
        Require(kernel is not null, $"prepare {op}: ok, but no kernel");
        return kernel!;
    }

    public static ConstantData Generated(TensorDescriptor constant, int number) => ConstantData.Generated(
        $"conformance.{number}.{constant}",
        constant.Element,
        [.. constant.Dims.Select(d => d.Constant)],
        new ConstantGenerator((ulong)number, 0, 0.02));

    private static OpDescriptor Of(OpDefinition op, Attributes attributes, params ImmutableArray<TensorDescriptor> operands) => new(
        op.Name,
        attributes,
        operands,
        [
            .. op.Infer([.. operands.Select(o => new TensorType(o.Element, o.Dims.AsSpan()))], attributes)
                .Select(t => new TensorDescriptor(t.Element, t.Shape.Dims, TensorRole.Result, false)),
        ],
        s_maxima,
        Precision.Fast);

    private static TensorDescriptor Rows(long columns) => new(ElementType.F32, [Dim.T, columns], TensorRole.Result, false);

    private static TensorDescriptor Weight(ElementType type, params ImmutableArray<long> dims) =>
        new(type, [.. dims.Select(d => (Dim)d)], TensorRole.Constant, false);
}
