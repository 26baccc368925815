using System.Collections.Immutable;

namespace HeteroQwen.Models;

internal static class Qwen3ConfigReader
{
    /// <summary>Read here, or without influence on the logits.</summary>
    private static readonly ImmutableArray<string> s_known =
    [
        "architectures", "attention_bias", "attention_dropout", "bos_token_id", "decoder_sparse_step", "dtype", "eos_token_id",
        "head_dim", "hidden_act", "hidden_size", "initializer_range", "intermediate_size", "layer_types", "max_position_embeddings",
        "max_window_layers", "mlp_only_layers", "model_type", "moe_intermediate_size", "norm_topk_prob", "num_attention_heads",
        "num_experts", "num_experts_per_tok", "num_hidden_layers", "num_key_value_heads", "num_local_experts",
        "output_router_logits", "pad_token_id", "partial_rotary_factor", "rms_norm_eps", "rope_parameters", "rope_scaling",
        "rope_theta", "router_aux_loss_coef", "sliding_window", "tie_word_embeddings", "torch_dtype", "transformers_version",
        "use_cache", "use_sliding_window", "vocab_size", "_name_or_path", "auto_map", "is_decoder", "return_dict",
        "output_attentions", "output_hidden_states", "id2label", "label2id", "chunk_size_feed_forward",
    ];

    public static Qwen3Config Read(JsonFields json, ICollection<string>? warnings)
    {
        bool moe = IsMoe(json);
        Refuse(json);
        int layers = json.Int("num_hidden_layers", 1, Qwen3Limits.Layers);
        int hidden = json.Int("hidden_size", 1, Qwen3Limits.Hidden);
        int heads = json.Int("num_attention_heads", 1, Qwen3Limits.Heads);
        int vocab = json.Int("vocab_size", 1, Qwen3Limits.Vocabulary);
        int maxPositions = json.Int("max_position_embeddings", 1, Qwen3Config.MaxContext);
        ImmutableArray<bool> sparse = moe ? SparseLayers(json, layers) : [.. Enumerable.Repeat(false, layers)];
        Qwen3Config config = new()
        {
            VocabSize = vocab,
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = KvHeads(json, heads),
            HeadDim = HeadDim(json, moe, hidden, heads),
            FfnSize = FfnSize(json, sparse),
            RmsNormEps = json.NumberOrNull("rms_norm_eps", 0, 1) ?? 1e-6,
            TiedEmbeddings = json.Flag("tie_word_embeddings", false),
            AttentionBias = json.Flag("attention_bias", false),
            Rope = RopeReader.Read(json, maxPositions),
            MaxPositions = maxPositions,
            Windows = WindowReader.Read(json, moe, layers),
            SparseLayers = sparse,
            EosTokenIds = json.IntOrIntsOrNull("eos_token_id", 0, vocab - 1) ?? [],
            BosTokenId = json.IntOrNull("bos_token_id", 0, vocab - 1),
        };
        Warn(json, warnings);
        return moe ? WithExperts(json, config) : config;
    }

    private static bool IsMoe(JsonFields json)
    {
        ImmutableArray<string>? architectures = json.TextsOrNull("architectures");
        string? model = json.TextOrNull("model_type");
        bool? byArchitecture = architectures switch
        {
            null => null,
            ["Qwen3ForCausalLM"] => false,
            ["Qwen3MoeForCausalLM"] => true,
            _ => throw json.Unsupported("architectures", "Qwen3ForCausalLM and Qwen3MoeForCausalLM are"),
        };
        bool? byModel = model switch
        {
            null => null,
            "qwen3" => false,
            "qwen3_moe" => true,
            _ => throw json.Unsupported("model_type", "qwen3 and qwen3_moe are"),
        };
        if (byArchitecture is not null && byModel is not null && byArchitecture != byModel)
        {
            throw json.Bad("model_type", $"that of architectures, \"{(byArchitecture.Value ? "qwen3_moe" : "qwen3")}\"");
        }

        return byArchitecture ?? byModel ?? throw json.Missing("architectures");
    }

    /// <summary>What transformers would honour and this project does not.</summary>
    private static void Refuse(JsonFields json)
    {
        if (json.TextOrNull("hidden_act") is { } activation && activation != "silu")
        {
            throw json.Unsupported("hidden_act", "only silu is");
        }

        foreach (string key in (string[])["quantization_config", "compression_config"])
        {
            if (json.Has(key))
            {
                throw json.Unsupported(key, "weights in f32, f16 and bf16 are");
            }
        }
    }

    private static int KvHeads(JsonFields json, int heads)
    {
        const string Key = "num_key_value_heads";
        int kvHeads = json.IsPresent(Key) ? json.IntOrNull(Key, 1, heads) ?? heads : throw json.Missing(Key);
        return heads % kvHeads == 0 ? kvHeads : throw json.Bad(Key, $"a divisor of num_attention_heads, {heads}");
    }

    // transformers' defaults: Qwen3Config has 128 of its own; where there is none, it is hidden / heads.
    private static int HeadDim(JsonFields json, bool moe, int hidden, int heads)
    {
        int headDim = json.IntOrNull("head_dim", 2, Qwen3Limits.HeadDim) ?? (moe || json.IsPresent("head_dim") ? hidden / heads : 128);
        return headDim is >= 2 and <= Qwen3Limits.HeadDim && headDim % 2 == 0
            ? headDim
            : throw json.Bad(
                "head_dim", $"an even number from 2 to {Qwen3Limits.HeadDim} (hidden_size / num_attention_heads is {hidden / heads})");
    }

    private static int FfnSize(JsonFields json, ImmutableArray<bool> sparse)
    {
        int? size = json.IntOrNull("intermediate_size", 1, Qwen3Limits.Size);
        return size ?? (sparse.Contains(false) ? throw json.Missing("intermediate_size") : 0);
    }

    private static ImmutableArray<bool> SparseLayers(JsonFields json, int layers)
    {
        int step = json.IntOrNull("decoder_sparse_step", 1, 1000) ?? 1;
        ImmutableArray<int> dense = json.IntsOrNull("mlp_only_layers", 0, layers - 1) ?? [];
        return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % step == 0 && !dense.Contains(i))];
    }

    private static Qwen3Config WithExperts(JsonFields json, Qwen3Config config)
    {
        int? hub = json.IntOrNull("num_experts", 1, Qwen3Limits.Experts);
        int? v5 = json.IntOrNull("num_local_experts", 1, Qwen3Limits.Experts);
        if (hub is not null && v5 is not null && hub != v5)
        {
            throw json.Bad("num_local_experts", $"the same as num_experts, {hub}");
        }

        int experts = hub ?? v5 ?? throw json.Missing("num_experts");
        return config with
        {
            Experts = experts,
            ExpertsPerToken = json.Int("num_experts_per_tok", 1, experts),
            ExpertFfnSize = json.Int("moe_intermediate_size", 1, Qwen3Limits.Size),
            NormTopKProb = json.Flag("norm_topk_prob", false),
        };
    }

    private static void Warn(JsonFields json, ICollection<string>? warnings)
    {
        foreach (string key in json.Keys.Where(k => !s_known.Contains(k)))
        {
            warnings?.Add($"{json.File}: {Shown.Text(key)} is not known and was ignored");
        }
    }
}
