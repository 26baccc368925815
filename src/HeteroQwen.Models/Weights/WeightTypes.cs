using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The types that the weights of a model have, as llama.cpp's tools give them. Vectors and routers are f32.</summary>
internal static class WeightTypes
{
    public const string Mix = "q4_k_m";

    private static readonly ImmutableArray<ElementType> s_pure =
        [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q6_K];

    /// <summary>What can be asked for.</summary>
    public static IEnumerable<string> Names => [.. s_pure.Select(t => t.Name()), Mix];

    /// <summary>The type of the constant of a name and rank; null if there is no such choice of types.</summary>
    public static Func<string, int, ElementType>? Find(string types, Qwen3Config config)
    {
        bool isPure = ElementTypes.TryParse(types, out ElementType pure) && s_pure.Contains(pure);
        if (!isPure && types != Mix)
        {
            return null;
        }

        return (name, rank) => rank == 1 || name.EndsWith(".mlp.gate.weight", StringComparison.Ordinal) ? ElementType.F32
            : !isPure ? InMix(name, config)
            : pure == ElementType.Q4_0 && name == Output(config) ? ElementType.Q6_K
            : pure;
    }

    /// <summary>
    /// What llama.cpp's quantize writes as Q4_K_M: the product that gives the logits in q6_k; in some layers those of V and the FFN's
    /// second, too; all else in q4_k.
    /// </summary>
    private static ElementType InMix(string name, Qwen3Config config)
    {
        bool careful = name.EndsWith(".v_proj.weight", StringComparison.Ordinal)
            || name.EndsWith(".down_proj.weight", StringComparison.Ordinal);
        return name == Output(config) || (careful && HasMoreBits(Layer(name), config.Layers)) ? ElementType.Q6_K : ElementType.Q4_K;
    }

    /// <summary>The weight of the product that gives the logits.</summary>
    private static string Output(Qwen3Config config) => config.TiedEmbeddings ? Qwen3Tensors.Embedding : Qwen3Tensors.LmHead;

    /// <summary>The first and last eighth of the layers, and every third of the rest (use_more_bits in llama-quant.cpp).</summary>
    private static bool HasMoreBits(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;

    /// <summary>The number in <c>model.layers.NUMBER.</c>.</summary>
    private static int Layer(string name) => int.Parse(name.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture);
}
