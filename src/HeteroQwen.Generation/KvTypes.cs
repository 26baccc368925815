using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>The type of the KV cache.</summary>
internal static class KvTypes
{
    private static readonly ElementType[] s_all = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0];

    /// <summary>The type asked for, else f32 in exact, and in fast f16 where the device holds it.</summary>
    public static ElementType Choose(Qwen3Config config, string device, Capabilities capabilities, EngineOptions options)
    {
        bool Holds(ElementType type) => capabilities.Types.Contains(type) && config.HeadDim % type.BlockElements() == 0;
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
}
