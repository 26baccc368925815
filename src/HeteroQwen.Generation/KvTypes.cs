using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Generation;

/// <summary>The type of the KV cache.</summary>
internal static class KvTypes
{
    private static readonly ElementType[] s_all = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0];

    /// <summary>The type asked for, else f32 in exact, and in fast f16 where the device holds it.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="device">For messages.</param>
    /// <param name="options">Precision, and the type asked for.</param>
    /// <param name="holds">Whether the device holds a cache of this type.</param>
    /// <exception cref="UserErrorException">The type asked for cannot be held; the message names those that can.</exception>
    public static ElementType Choose(Qwen3Config config, string device, EngineOptions options, Func<ElementType, bool> holds)
    {
        bool Holds(ElementType type) => type == ElementType.F32 || (config.HeadDim % type.BlockElements() == 0 && holds(type));
        if (options.KvType is not { } asked)
        {
            return options.Precision == Precision.Fast && Holds(ElementType.F16) ? ElementType.F16 : ElementType.F32;
        }

        if (!s_all.Contains(asked) || !Holds(asked))
        {
            string held = string.Join(" or ", s_all.Where(Holds).Select(t => $"--kv {t.Name()}"));
            throw new UserErrorException($"{device} cannot hold this model's KV cache as {asked.Name()}; take {held}");
        }

        return asked;
    }

    /// <summary>Whether a layer with a cache of this type is lowered for the device with no more host work than with one of f32.</summary>
    public static bool Holds(IModelSource model, Device device, EngineOptions options, ElementType type)
    {
        if (!device.Capabilities.Types.Contains(type))
        {
            return false;
        }

        long page = device.Capabilities.PageSize;
        Qwen3Config layer = model.Config with { Layers = 1 };
        SessionOptions session = new() { Precision = options.Precision, Maxima = new(1, page, 1, 1), Fuse = options.Fuse };
        IReadOnlyList<string> Refused(ElementType t)
        {
            Graph graph = Qwen3Graph.Build(layer, name => model.Get(name).Type, new KvLayout(t, 2 * page, page, 1));
            try
            {
                Lowering.Lower(graph, device, null, session);
                return [];
            }
            catch (HostFallbackException e)
            {
                return e.Ops;
            }
        }

        IReadOnlyList<string> refused = Refused(type);
        return refused.Count == 0 || !refused.Except(Refused(ElementType.F32)).Any();
    }
}
