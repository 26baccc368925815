using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>Lowers every Qwen3 shape with every weight type for a device; nothing is prepared or allocated.</summary>
public static class LoweringSurvey
{
    private const int LargestStep = 512;
    private const int Context = 40960;
    private const int Sequences = 8;

    /// <summary>Layers of a model come out alike, so that two stand for all.</summary>
    private const int Layers = 2;

    private static readonly ElementType[] s_weights =
    [
        ElementType.BF16, ElementType.F16, ElementType.F32, ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q6_K,
    ];

    /// <summary>One entry for each precision that is asked for and offered, and each family.</summary>
    public static ImmutableArray<ModelLowering> Of(Device device, Device host, IEnumerable<Precision> precisions)
    {
        ArgumentNullException.ThrowIfNull(device);
        return
        [
            .. from precision in precisions.Intersect(device.Capabilities.Precisions)
               from family in Enum.GetValues<ModelFamily>()
               select Of(device, host, precision, family),
        ];
    }

    private static ModelLowering Of(Device device, Device host, Precision precision, ModelFamily family)
    {
        SortedDictionary<string, HostOp> hostOps = new(StringComparer.Ordinal);
        SortedSet<string> deviceOps = new(StringComparer.Ordinal);
        SortedSet<string> opened = new(StringComparer.Ordinal);
        HashSet<ElementType> kept = [.. s_weights.Where(w => w.IsQuantized() && device.Capabilities.Types.Contains(w))];
        foreach (Qwen3Config shape in Qwen3Shapes.Of(family, Layers))
        {
            foreach (ElementType weights in s_weights)
            {
                LoweredGraph lowered = Lower(shape, weights, device, host, precision);
                ILookup<Side, Operation> sides = lowered.Graph.Operations.Where(o => o.Definition.Class != OpClass.View)
                    .ToLookup(o => lowered.PlacementOf(o).Side);
                deviceOps.UnionWith(sides[Side.Device].Select(o => o.Definition.Name));
                opened.UnionWith(lowered.Opened);
                AddHostOps(hostOps, lowered, sides[Side.Host]);
                if (lowered.Opened.Contains(Linear.Instance.Name) || sides[Side.Host].Any(o => o.Definition is Linear))
                {
                    kept.Remove(weights);
                }
            }
        }

        return new(precision, family, [.. hostOps.Values], [.. deviceOps], [.. opened], [.. kept.Order().Select(t => t.Name())]);
    }

    /// <summary>As an engine lowers it: in fast with a cache of f16 where that costs no more host work than one of f32.</summary>
    private static LoweredGraph Lower(Qwen3Config shape, ElementType weights, Device device, Device host, Precision precision)
    {
        LoweredGraph full = Lower(shape, weights, ElementType.F32, device, host, precision);
        if (precision == Precision.Exact || !device.Capabilities.Types.Contains(ElementType.F16))
        {
            return full;
        }

        LoweredGraph half = Lower(shape, weights, ElementType.F16, device, host, precision);
        IEnumerable<string> HostNames(LoweredGraph lowered) => lowered.HostOperations.Select(o => o.Definition.Name);
        return HostNames(half).Except(HostNames(full)).Any() ? full : half;
    }

    private static LoweredGraph Lower(
        Qwen3Config shape, ElementType weights, ElementType kv, Device device, Device host, Precision precision)
    {
        long page = device.Capabilities.PageSize;
        long pages = (Context + page - 1) / page;
        Graph graph = Qwen3Graph.Build(shape, name => TypeOf(name, weights), new KvLayout(kv, (pages + 1) * page, page, pages));
        return Lowering.Lower(graph, device, host, new SessionOptions
        {
            Precision = precision,
            Maxima = new Bindings(LargestStep, pages * page, Sequences, Sequences),
            AllowHostFallback = true,
        });
    }

    /// <summary>Norm weights are kept in f32 where the rest is quantised, as GGUF files have them.</summary>
    private static ElementType TypeOf(string constant, ElementType weights) =>
        weights.IsQuantized() && constant.Contains("norm", StringComparison.Ordinal) ? ElementType.F32 : weights;

    private static void AddHostOps(SortedDictionary<string, HostOp> hostOps, LoweredGraph lowered, IEnumerable<Operation> onHost)
    {
        Bindings step = new(1, 1, 1, 1);
        double Flops(Operation o) => o.Definition.Flops([.. o.Operands.Select(v => v.Type)], o.Attributes, step);
        double all = Math.Max(1, lowered.Graph.Operations.Sum(Flops));
        foreach (IGrouping<string, Operation> group in onHost.GroupBy(o => o.Definition.Name))
        {
            double share = group.Sum(Flops) / all;
            string reason = lowered.PlacementOf(group.First()).Reason ?? "no reason given";
            if (!hostOps.TryGetValue(group.Key, out HostOp? known) || known.FlopShare < share)
            {
                hostOps[group.Key] = new HostOp(group.Key, reason, share);
            }
        }
    }
}
