using System.Text.Json;
using HeteroQwen.Models;

namespace HeteroQwen.TestSupport;

/// <summary>The metadata and names that llama.cpp's converter gives a Qwen3 model.</summary>
internal static class GgufMetadata
{
    public static void Write(GgufWriter writer, IModelSource model)
    {
        Qwen3Config config = model.Config;
        string arch = config.IsMoe ? "qwen3moe" : "qwen3";
        writer.Set("general.architecture", arch).Set("general.name", model.Name);
        void Set(string key, object value) => writer.Set($"{arch}.{key}", value);
        Set("context_length", (uint)config.MaxPositions);
        Set("embedding_length", (uint)config.HiddenSize);
        Set("block_count", (uint)config.Layers);
        Set("feed_forward_length", (uint)config.FfnSize);
        Set("attention.head_count", (uint)config.Heads);
        Set("attention.head_count_kv", (uint)config.KvHeads);
        Set("attention.key_length", (uint)config.HeadDim);
        Set("attention.value_length", (uint)config.HeadDim);
        Set("attention.layer_norm_rms_epsilon", (float)config.RmsNormEps);
        WriteRope(config.Rope, Set);
        if (config.Windows.Max() is > 0 and var window)
        {
            Set("attention.sliding_window", (uint)window);
            Set("attention.sliding_window_pattern", config.Windows.Select(w => w > 0).ToArray());
        }

        if (config.IsMoe)
        {
            Set("expert_count", (uint)config.Experts);
            Set("expert_used_count", (uint)config.ExpertsPerToken);
            Set("expert_feed_forward_length", (uint)config.ExpertFfnSize);
            Set("expert_weights_norm", config.NormTopKProb);
        }

        if (model.Generation.DoSample)
        {
            writer.Set("general.sampling.temp", (float)model.Generation.Temperature);
            writer.Set("general.sampling.top_k", model.Generation.TopK);
            writer.Set("general.sampling.top_p", (float)model.Generation.TopP);
        }
    }

    /// <summary>The tokenizer, template and ids of a folder with its tokenizer.</summary>
    public static void WriteTokenizer(GgufWriter writer, Qwen3Config config, string folder)
    {
        WriteTokenizer(writer, File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")), config.VocabSize);
        writer.Set("tokenizer.ggml.eos_token_id", (uint)config.EosTokenIds[0]).Set("tokenizer.ggml.add_bos_token", false);
        if (config.BosTokenId is { } bos)
        {
            writer.Set("tokenizer.ggml.bos_token_id", (uint)bos);
        }

        using JsonDocument settings = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
        writer.Set("tokenizer.chat_template", settings.RootElement.GetProperty("chat_template").GetString()!);
    }

    /// <summary>A <c>tokenizer.json</c>; rows of the embedding that have no token are unused ones.</summary>
    public static void WriteTokenizer(GgufWriter writer, byte[] tokenizerJson, int rows)
    {
        using JsonDocument json = JsonDocument.Parse(tokenizerJson);
        JsonElement bpe = json.RootElement.GetProperty("model");
        string[] tokens = [.. Enumerable.Range(0, rows).Select(i => $"[PAD{i}]")];
        int[] types = [.. Enumerable.Repeat(5, rows)];
        foreach (JsonProperty token in bpe.GetProperty("vocab").EnumerateObject())
        {
            (tokens[token.Value.GetInt32()], types[token.Value.GetInt32()]) = (token.Name, 1);
        }

        foreach (JsonElement added in json.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            int id = added.GetProperty("id").GetInt32();
            (tokens[id], types[id]) = (added.GetProperty("content").GetString()!, added.GetProperty("special").GetBoolean() ? 3 : 4);
        }

        writer.Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", "qwen2");
        writer.Set("tokenizer.ggml.tokens", tokens).Set("tokenizer.ggml.token_type", types);
        writer.Set("tokenizer.ggml.merges", bpe.GetProperty("merges").EnumerateArray().Select(Merge).ToArray());
    }

    /// <summary>The file's name of a constant.</summary>
    public static string TensorName(string constant)
    {
        (string Ours, string Theirs)[] parts =
        [
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"), ("model.layers.", "blk."),
            ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.o_proj", "attn_output"),
            ("self_attn.", "attn_"), ("mlp.gate.", "ffn_gate_inp."), ("mlp.", "ffn_"), ("_proj", ""),
        ];
        string name = parts.Aggregate(constant, (n, p) => n.Replace(p.Ours, p.Theirs, StringComparison.Ordinal));
        return name.Contains("experts.", StringComparison.Ordinal)
            ? name.Replace("experts.", "", StringComparison.Ordinal).Replace(".weight", "_exps.weight", StringComparison.Ordinal)
            : name;
    }

    private static void WriteRope(RopeSettings rope, Action<string, object> set)
    {
        set("rope.freq_base", (float)rope.Theta);
        if (rope.Type == RopeType.Default)
        {
            return;
        }

        set("rope.scaling.type", rope.Type == RopeType.Yarn ? "yarn" : "linear");
        set("rope.scaling.factor", (float)rope.Factor);
        set("rope.scaling.original_context_length", (uint)rope.OriginalContext);
        if (rope.Type == RopeType.Yarn)
        {
            set("rope.scaling.yarn_beta_fast", (float)rope.BetaFast);
            set("rope.scaling.yarn_beta_slow", (float)rope.BetaSlow);
            if (rope.AttentionFactor != RopeSettings.YarnAttentionFactor(rope.Factor))
            {
                set("rope.scaling.yarn_attn_factor", (float)rope.AttentionFactor);
            }
        }
    }

    private static string Merge(JsonElement merge) => merge.ValueKind == JsonValueKind.String
        ? merge.GetString()!
        : string.Join(' ', merge.EnumerateArray().Select(p => p.GetString()));
}
