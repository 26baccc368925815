using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// The types that the weights of a model have. Vectors are f32; so are routers where the others are quantised, as llama.cpp has them.
/// </summary>
internal static class WeightTypes
{
    private const string Mix = "q4_k_m";

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

        bool quantised = !isPure || pure.IsQuantized();
        return (name, rank) => rank == 1 || (quantised && name.EndsWith(".mlp.gate.weight", StringComparison.Ordinal)) ? ElementType.F32
            : isPure ? pure
            : InMix(name, config);
    }

    /// <summary>
    /// What llama.cpp's quantize writes as Q4_K_M: the product that gives the logits in q6_k; in some layers those of V and the FFN's
    /// second, too; all else in q4_k.
    /// </summary>
    private static ElementType InMix(string name, Qwen3Config config)
    {
        string output = config.TiedEmbeddings ? Qwen3Tensors.Embedding : Qwen3Tensors.LmHead;
        bool careful = name.EndsWith(".v_proj.weight", StringComparison.Ordinal)
            || name.EndsWith(".down_proj.weight", StringComparison.Ordinal);
        return name == output || (careful && HasMoreBits(Layer(name), config.Layers)) ? ElementType.Q6_K : ElementType.Q4_K;
    }

    /// <summary>The first and last eighth of the layers, and every third of the rest (use_more_bits in llama-quant.cpp).</summary>
    private static bool HasMoreBits(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;

    /// <summary>The number in <c>model.layers.NUMBER.</c>.</summary>
    private static int Layer(string name) => int.Parse(name.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture);
}
