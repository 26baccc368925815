using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Reads a model's shape from the metadata of a GGUF file, with llama.cpp's keys and, where one is absent, llama.cpp's defaults.
/// What the metadata do not say is read off the tensors: the vocabulary, whether the embedding is tied, which layers are sparse.
/// </summary>
internal static class GgufConfigReader
{
    /// <summary>Read here, or without influence on the logits.</summary>
    private static readonly ImmutableArray<string> s_known =
    [
        "attention.causal", "attention.head_count", "attention.head_count_kv", "attention.key_length",
        "attention.layer_norm_rms_epsilon", "attention.sliding_window", "attention.sliding_window_pattern", "attention.value_length",
        "block_count", "context_length", "embedding_length", "expert_count", "expert_feed_forward_length", "expert_used_count",
        "expert_weights_norm", "feed_forward_length", "rope.dimension_count", "rope.freq_base", "rope.scaling.factor",
        "rope.scaling.finetuned", "rope.scaling.original_context_length", "rope.scaling.type", "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "vocab_size",
    ];

    /// <summary>Settings that would change the logits, with the values at which they do not; unset is 0 in some files.</summary>
    private static readonly ImmutableArray<(string Key, ImmutableArray<double> Neutral)> s_refused =
    [
        ("attention.clamp_kqv", [0]), ("attention.max_alibi_bias", [0]), ("attention.scale", [0]), ("attn_logit_softcapping", [0]),
        ("embedding_scale", [0, 1]), ("expert_gating_func", [0, 1]), ("expert_group_count", [0, 1]), ("expert_group_used_count", [0, 1]),
        ("expert_shared_count", [0]), ("expert_weights_scale", [0, 1]), ("final_logit_softcapping", [0]), ("logit_scale", [0, 1]),
        ("nextn_predict_layers", [0]), ("residual_scale", [0, 1]), ("rope.scale_linear", [0, 1]), ("rope.scaling.alpha", [0]),
        ("rope.scaling.attn_factor", [1]), ("rope.scaling.yarn_ext_factor", [-1, 1]), ("rope.scaling.yarn_log_multiplier", [0]),
    ];

    public static Qwen3Config Read(GgufFile file, ICollection<string> warnings)
    {
        GgufFields general = new(file, "");
        const string Architecture = "general.architecture";
        string architecture = general.TextOrNull(Architecture) ?? throw general.Missing(Architecture);
        if (architecture is not ("qwen3" or "qwen3moe"))
        {
            throw general.Unsupported(Architecture, "qwen3 and qwen3moe are");
        }

        if (general.IntOrNull("split.count", 0, 65535) > 1)
        {
            throw general.Unsupported(
                "split.count", "only files that hold the whole model are; join its parts with llama-gguf-split --merge");
        }

        GgufFields fields = new(file, architecture + ".");
        Refuse(fields);
        Qwen3Config config = Shape(file, fields, architecture == "qwen3moe");
        bool Unknown(string key) => !s_known.Contains(key) && !s_refused.Any(r => r.Key == key);
        foreach (string key in fields.Keys.Where(Unknown).Order(StringComparer.Ordinal))
        {
            warnings.Add($"{file.Path}: {architecture}.{Shown.Text(key)} is not known and was ignored");
        }

        return config;
    }

    private static Qwen3Config Shape(GgufFile file, GgufFields fields, bool moe)
    {
        int layers = fields.Int("block_count", 1, Qwen3Limits.Layers);
        int hidden = fields.Int("embedding_length", 1, Qwen3Limits.Hidden);
        int heads = fields.Int("attention.head_count", 1, Qwen3Limits.Heads);
        int maxPositions = fields.Int("context_length", 1, Qwen3Config.MaxContext);
        int vocab = Vocabulary(file, fields);
        bool IsSparse(int layer) => moe && !file.Tensors.ContainsKey($"blk.{layer}.ffn_gate.weight");
        ImmutableArray<bool> sparse = [.. Enumerable.Range(0, layers).Select(IsSparse)];
        GgufFields tokens = new(file, "tokenizer.ggml.");
        Qwen3Config config = new()
        {
            VocabSize = vocab,
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = KvHeads(fields, heads),
            HeadDim = HeadDim(fields, hidden, heads),
            FfnSize = fields.IntOrNull("feed_forward_length", 0, Qwen3Limits.Size)
                ?? (sparse.Contains(false) ? throw fields.Missing("feed_forward_length") : 0),
            RmsNormEps = fields.Number("attention.layer_norm_rms_epsilon", 0, 1),
            TiedEmbeddings = !file.Tensors.ContainsKey(GgufNames.LmHead),
            AttentionBias = file.Tensors.ContainsKey("blk.0.attn_q.bias"),
            Rope = GgufRopeReader.Read(fields, maxPositions),
            MaxPositions = maxPositions,
            Windows = Windows(fields, layers),
            SparseLayers = sparse,
            EosTokenIds = [.. new[] { TokenId("eos_token_id"), TokenId("eot_token_id") }.OfType<int>().Distinct()],
            BosTokenId = TokenId("bos_token_id"),
        };
        return moe ? WithExperts(fields, config) : config;

        // 2^32 - 1 stands for none.
        int? TokenId(string key) => tokens.Is(key, uint.MaxValue) ? null : tokens.IntOrNull(key, 0, vocab - 1);
    }

    private static int Vocabulary(GgufFile file, GgufFields fields)
    {
        if (!file.Tensors.TryGetValue(GgufNames.Embedding, out GgufTensor? embedding) || embedding.Dims.Length != 2)
        {
            throw new UserErrorException($"{file.Path}: the matrix {GgufNames.Embedding} is missing; convert the model anew");
        }

        long rows = embedding.Dims[1];
        if (rows > Qwen3Limits.Vocabulary)
        {
            throw new UserErrorException(
                $"{file.Path}: tensor {GgufNames.Embedding} has {rows} rows, but a vocabulary has at most {Qwen3Limits.Vocabulary}; "
                + "convert the model anew");
        }

        return fields.IntOrNull("vocab_size", 1, Qwen3Limits.Vocabulary) is { } claimed && claimed != rows
            ? throw fields.Bad("vocab_size", $"the rows of {GgufNames.Embedding}, {rows}")
            : (int)rows;
    }

    private static int KvHeads(GgufFields fields, int heads)
    {
        const string Key = "attention.head_count_kv";
        int kvHeads = fields.IntOrNull(Key, 1, heads) ?? heads;
        return heads % kvHeads == 0 ? kvHeads : throw fields.Bad(Key, $"a divisor of attention.head_count, {heads}");
    }

    private static int HeadDim(GgufFields fields, int hidden, int heads)
    {
        int headDim = fields.IntOrNull("attention.key_length", 2, Qwen3Limits.HeadDim) ?? hidden / heads;
        if (headDim is < 2 or > Qwen3Limits.HeadDim || headDim % 2 != 0)
        {
            throw fields.Bad(
                "attention.key_length",
                $"an even number from 2 to {Qwen3Limits.HeadDim} (embedding_length / head_count is {hidden / heads})");
        }

        foreach (string key in (string[])["attention.value_length", "rope.dimension_count"])
        {
            if ((fields.IntOrNull(key, 0, Qwen3Limits.HeadDim) ?? headDim) != headDim)
            {
                throw fields.Unsupported(key, $"only the size of a head, {headDim}, is");
            }
        }

        return headDim;
    }

    private static ImmutableArray<int> Windows(GgufFields fields, int layers)
    {
        const string Pattern = "attention.sliding_window_pattern";
        int window = fields.IntOrNull("attention.sliding_window", 0, Qwen3Config.MaxContext) ?? 0;
        if (!fields.Has(Pattern))
        {
            return [.. Enumerable.Repeat(window, layers)];
        }

        ImmutableArray<bool> slides = [.. fields.Flags(Pattern).Take(layers + 1)];
        return slides.Length == layers
            ? [.. slides.Select(s => s ? window : 0)]
            : throw fields.Bad(Pattern, $"an array of block_count, {layers}, truth values");
    }

    private static Qwen3Config WithExperts(GgufFields fields, Qwen3Config config)
    {
        int experts = fields.Int("expert_count", 1, Qwen3Limits.Experts);
        return config with
        {
            Experts = experts,
            ExpertsPerToken = fields.Int("expert_used_count", 1, experts),
            ExpertFfnSize = fields.Int("expert_feed_forward_length", 1, Qwen3Limits.Size),
            NormTopKProb = fields.Flag("expert_weights_norm", true),
        };
    }

    private static void Refuse(GgufFields fields)
    {
        foreach ((string key, ImmutableArray<double> neutral) in s_refused)
        {
            if (fields.NumberOrNull(key, double.MinValue, double.MaxValue) is { } value && !neutral.Contains(value))
            {
                throw fields.Unsupported(key, $"only {string.Join(" or ", neutral)} is");
            }
        }

        if (!fields.Flag("attention.causal", true))
        {
            throw fields.Unsupported("attention.causal", "only causal attention is");
        }
    }
}
