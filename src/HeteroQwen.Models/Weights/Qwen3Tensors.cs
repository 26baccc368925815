using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>
/// Names and shapes of a model's constants: the names of Hugging Face, with the experts of one projection joined into one
/// constant ([experts, out, in]). A product's weight is [out, in].
/// </summary>
public static class Qwen3Tensors
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string FinalNorm = "model.norm.weight";

    /// <summary>Absent where the embedding is tied.</summary>
    public const string LmHead = "lm_head.weight";

    /// <summary>Name of a layer's constant, such as <c>Layer(0, "self_attn.q_proj.weight")</c>.</summary>
    public static string Layer(int layer, string suffix) => $"model.layers.{layer}.{suffix}";

    /// <summary>Every constant of a model, in the order in which the network reads them.</summary>
    public static IEnumerable<(string Name, ImmutableArray<long> Shape)> Expected(Qwen3Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Enumerate(config);
    }

    private static IEnumerable<(string Name, ImmutableArray<long> Shape)> Enumerate(Qwen3Config config)
    {
        yield return (Embedding, [config.VocabSize, config.HiddenSize]);
        for (int i = 0; i < config.Layers; i++)
        {
            IEnumerable<(string, ImmutableArray<long>)> ffn = config.SparseLayers[i] ? Experts(config) : Ffn(config);
            foreach ((string suffix, ImmutableArray<long> shape) in Attention(config).Concat(ffn))
            {
                yield return (Layer(i, suffix), shape);
            }
        }

        yield return (FinalNorm, [config.HiddenSize]);
        if (!config.TiedEmbeddings)
        {
            yield return (LmHead, [config.VocabSize, config.HiddenSize]);
        }
    }

    private static IEnumerable<(string Suffix, ImmutableArray<long> Shape)> Attention(Qwen3Config c)
    {
        long q = (long)c.Heads * c.HeadDim;
        long kv = (long)c.KvHeads * c.HeadDim;
        yield return ("input_layernorm.weight", [c.HiddenSize]);
        foreach ((string name, long rows, long columns) in
            ((string, long, long)[])[("q", q, c.HiddenSize), ("k", kv, c.HiddenSize), ("v", kv, c.HiddenSize), ("o", c.HiddenSize, q)])
        {
            yield return ($"self_attn.{name}_proj.weight", [rows, columns]);
            if (c.AttentionBias)
            {
                yield return ($"self_attn.{name}_proj.bias", [rows]);
            }
        }

        yield return ("self_attn.q_norm.weight", [c.HeadDim]);
        yield return ("self_attn.k_norm.weight", [c.HeadDim]);
        yield return ("post_attention_layernorm.weight", [c.HiddenSize]);
    }

    private static IEnumerable<(string Suffix, ImmutableArray<long> Shape)> Ffn(Qwen3Config c) =>
    [
        ("mlp.gate_proj.weight", [c.FfnSize, c.HiddenSize]),
        ("mlp.up_proj.weight", [c.FfnSize, c.HiddenSize]),
        ("mlp.down_proj.weight", [c.HiddenSize, c.FfnSize]),
    ];

    private static IEnumerable<(string Suffix, ImmutableArray<long> Shape)> Experts(Qwen3Config c) =>
    [
        ("mlp.gate.weight", [c.Experts, c.HiddenSize]),
        ("mlp.experts.gate_proj.weight", [c.Experts, c.ExpertFfnSize, c.HiddenSize]),
        ("mlp.experts.up_proj.weight", [c.Experts, c.ExpertFfnSize, c.HiddenSize]),
        ("mlp.experts.down_proj.weight", [c.Experts, c.HiddenSize, c.ExpertFfnSize]),
    ];
}
