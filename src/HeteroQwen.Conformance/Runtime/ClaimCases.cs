using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Whether <c>supports</c> tells the truth: no to what cannot be, with a reason; and yes to what can then be prepared.</summary>
internal static class ClaimCases
{
    private static readonly TensorDescriptor s_rows = new(ElementType.F32, [Dim.T, 64], TensorRole.Result, false);
    private static readonly OpDescriptor s_silu = new("silu", Attributes.Empty, [s_rows], [s_rows], new Bindings(8, 1, 1, 1), Precision.Exact);

    private static readonly (string Name, OpDescriptor Op)[] s_impossible =
    [
        ("unknown-op", s_silu with { Name = "fft" }),
        ("empty-name", s_silu with { Name = "" }),
        ("view", s_silu with { Name = "reshape", Attributes = new(("dims", "T,64")) }),
        ("no-operands", s_silu with { Operands = [] }),
        ("no-results", s_silu with { Results = [] }),
        ("too-many-operands", s_silu with { Operands = [s_rows, s_rows] }),
        ("wrong-operand-type", s_silu with { Operands = [s_rows with { Element = ElementType.I32 }] }),
        ("wrong-result-type", s_silu with { Results = [s_rows with { Element = ElementType.Bool }] }),
        ("wrong-result-shape", s_silu with { Results = [s_rows with { Dims = [Dim.T, 65] }] }),
        ("unknown-attribute", s_silu with { Attributes = new(("colour", 1L)) }),
        ("missing-attribute", s_silu with { Name = "unary" }),
        ("unknown-kind", s_silu with { Name = "unary", Attributes = new(("kind", "tanh")) }),
        ("broken-blocks", s_silu with { Name = "linear", Operands = [s_rows, Weight(ElementType.Q4_K)], Results = [s_rows with { Dims = [Dim.T, 8] }] }),
        ("huge", s_silu with { Operands = [Huge], Results = [Huge] }),
    ];

    public static IEnumerable<ConformanceCase> All() =>
    [
        .. s_impossible.Select(i => new RuntimeCase($"claims/no-to-{i.Name}", bench => MustRefuse(bench, i.Op))),
        new RuntimeCase("claims/no-means-refusal", NoMeansRefusal),
        new RuntimeCase("claims/precisions", Precisions),
        new RuntimeCase("claims/capabilities", Capabilities),
        .. Enum.GetValues<ModelFamily>().SelectMany(f => Enum.GetValues<Precision>().Select(p => new RuntimeCase(
            $"claims/yes-means-prepare/{f.ToString().ToLowerInvariant()}/{p.ToString().ToLowerInvariant()}", bench => YesMeansPrepare(bench, f, p)))),
    ];

    private static TensorDescriptor Huge => s_rows with { Dims = [Dim.T, long.MaxValue / 2] };

    private static TensorDescriptor Weight(ElementType type) => new(type, [8, 64], TensorRole.Constant, false);

    private static void MustRefuse(RuntimeBench bench, OpDescriptor op)
    {
        foreach (Precision precision in bench.Capabilities.Precisions)
        {
            OpDescriptor offered = op with { Precision = precision };
            Status status = bench.Device.Supports(offered, out Support support);
            Require(!status.IsOk || !support.IsSupported, $"supports says yes to {offered}, which cannot be");
            string? reason = status.IsOk ? support.Reason : status.Message;
            Require(!string.IsNullOrWhiteSpace(reason), $"supports says no to {offered} without a reason");
            Status prepared = bench.Device.Prepare(offered, new ConstantData?[op.Operands.Length], out IKernel? kernel);
            kernel?.Dispose();
            Refused(prepared, $"prepare of {offered}, to which supports says no,");
        }
    }

    /// <summary>An op that the device denies and prepares all the same goes to the host for nothing: an under-claim.</summary>
    private static string? NoMeansRefusal(RuntimeBench bench)
    {
        int denied = 0;
        foreach (OpDescriptor op in WorkspaceOps.All.SelectMany(o => bench.Capabilities.Precisions.Select(p => o with { Precision = p })))
        {
            Ok(bench.Device.Supports(op, out Support support), $"supports {op}");
            if (!support.IsSupported)
            {
                denied++;
                ConstantData?[] constants =
                    [.. op.Operands.Select((o, i) => o.Role == TensorRole.Constant ? WorkspaceOps.Generated(o, i) : null)];
                Status prepared = bench.Device.Prepare(op, constants, out IKernel? kernel);
                kernel?.Dispose();
                Refused(prepared, $"prepare of {op}, to which supports says no,");
            }
        }

        return denied == 0 ? "the device supports all usual ops" : null;
    }

    private static string? Precisions(RuntimeBench bench)
    {
        Require(bench.Capabilities.Precisions.Length > 0, "the device offers no precision");
        Precision[] lacking = [.. Enum.GetValues<Precision>().Except(bench.Capabilities.Precisions)];
        foreach (Precision precision in lacking)
        {
            foreach (OpDescriptor op in WorkspaceOps.All)
            {
                OpDescriptor offered = op with { Precision = precision };
                Status status = bench.Device.Supports(offered, out Support support);
                Require(!status.IsOk || !support.IsSupported, $"the device does not offer {precision} and says yes to {offered}");
            }
        }

        return lacking.Length == 0 ? "the device offers every precision" : null;
    }

    private static void Capabilities(RuntimeBench bench)
    {
        Capabilities c = bench.Capabilities;
        Require(c.Types.Contains(ElementType.F32), "the device does not read f32, which every activation is");
        Require(c.Types.Contains(ElementType.I32), "the device does not read i32, which every index is");
        Require(c.Types.Distinct().Count() == c.Types.Length, "a type is declared twice");
        Require(c.RowMultiple > 0 && c.PageSize > 0 && c.LengthAlignment > 0, "row multiple, page size and length alignment are at least 1");
        Require(c.LargestBuffer > 0 && c.MemoryBytes >= 0, "largest buffer and memory are not negative");
        Require(c.FastExpansion.IsFloat() && c.Types.Contains(c.FastExpansion), $"weights expand to {c.FastExpansion.Name()}, which is not read");
        foreach (Numerics n in c.Numerics)
        {
            Require(n.Op == "*" || OpCatalog.TryGet(n.Op, out _), $"numerics are declared of {n.Op}, which is no op");
            Require(n.AccumulateBits is >= 8 and <= 64, $"numerics of {n.Op}: {n.AccumulateBits} bits of accumulation");
            bool exact = n.Precision == Precision.Fast || new[] { n.Operands, n.Weights, n.Results }.All(r =>
                r.Kind == RoundingKind.None || (r.Kind == RoundingKind.Float && r.SignificandBits >= 24));
            Require(exact, $"numerics of {n.Op}: exact rounds no operand below f32");
        }
    }

    /// <summary>Every op of a small model's lowering that the device took is prepared; so is what it took in the survey, but smaller.</summary>
    private static string? YesMeansPrepare(RuntimeBench bench, ModelFamily family, Precision precision)
    {
        if (!bench.Capabilities.Precisions.Contains(precision))
        {
            return $"the device does not offer {precision.ToString().ToLowerInvariant()}";
        }

        foreach (ElementType weights in (ElementType[])[ElementType.F32, ElementType.BF16, ElementType.Q8_0])
        {
            long page = bench.Capabilities.PageSize;
            SessionOptions options = new()
            {
                Precision = precision,
                Maxima = new Bindings(16, page, 2, 2),
                AllowHostFallback = true,
            };
            Graph graph = Qwen3Graph.Build(
                Small(family),
                name => weights.IsQuantized() && name.Contains("norm", StringComparison.Ordinal) ? ElementType.F32 : weights,
                new KvLayout(ElementType.F32, 2 * page, page, 1));
            LoweredGraph lowered = Lowering.Lower(graph, bench.OpenDevice, bench.Host, options);
            foreach (Operation operation in lowered.Graph.Operations)
            {
                if (operation.Definition.Class != OpClass.View && lowered.PlacementOf(operation).Side == Side.Device)
                {
                    Prepare(bench, operation, options);
                }
            }
        }

        return null;
    }

    private static void Prepare(RuntimeBench bench, Operation operation, SessionOptions options)
    {
        ImmutableArray<int> updated = [.. operation.Definition.StateUpdates.Select(u => u.Result)];
        OpDescriptor op = new(
            operation.Definition.Name,
            operation.Attributes,
            [.. operation.Operands.Select(o => new TensorDescriptor(o.Type.Element, o.Type.Shape.Dims, RoleOf(o), false))],
            [
                .. operation.Results.Select((r, i) => new TensorDescriptor(
                    r.Type.Element, r.Type.Shape.Dims, updated.Contains(i) ? TensorRole.State : TensorRole.Result, false)),
            ],
            options.Maxima,
            options.Precision);
        Ok(bench.Device.Supports(op, out Support support), $"supports {op}");
        if (support.IsSupported)
        {
            using IKernel kernel = WorkspaceOps.Prepare(bench, op);
            Require(kernel.Info.ConstantBytes <= support.ConstantBytes || support.ConstantBytes == 0 && kernel.Info.KeepsHostConstants,
                $"{op}: supports promised at most {support.ConstantBytes} bytes of constants, and the kernel takes {kernel.Info.ConstantBytes}");
        }
    }

    private static TensorRole RoleOf(Value value) => value.State is not null ? TensorRole.State
        : value.Kind == ValueKind.Constant ? TensorRole.Constant
        : value.Kind == ValueKind.Input ? TensorRole.Input
        : TensorRole.Result;

    private static Qwen3Config Small(ModelFamily family) => Qwen3Shapes.Of(family, 1).First() with
    {
        VocabSize = 256,
        HiddenSize = 256,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 64,
        FfnSize = family == ModelFamily.Moe ? 0 : 512,
        Experts = family == ModelFamily.Moe ? 8 : 0,
        ExpertsPerToken = family == ModelFamily.Moe ? 2 : 0,
        ExpertFfnSize = family == ModelFamily.Moe ? 64 : 0,
    };
}
