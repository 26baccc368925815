using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>The metadata that llama.cpp's converter gives a Qwen3 model. What no key can say is told in a note.</summary>
internal sealed class GgufMetadata
{
    private readonly List<(string Key, object Value)> _entries = [];
    private readonly ICollection<string> _notes;
    private readonly string _architecture;

    private GgufMetadata(IModelSource model, ICollection<string> notes)
    {
        _notes = notes;
        _architecture = model.Config.IsMoe ? "qwen3moe" : "qwen3";
        Add("general.architecture", _architecture);
        Add("general.type", "model");
        Add("general.name", model.Name);
        AddShape(model.Config);
        AddRope(model.Config.Rope);
        AddExperts(model.Config);
        AddWindows(model.Config);
        AddSampling(model.Generation);
        GgufTokenizerMetadata.Add(model, Add, notes);
    }

    /// <summary>Keys and values in the file's order.</summary>
    public static List<(string Key, object Value)> Of(IModelSource model, ICollection<string> notes) =>
        new GgufMetadata(model, notes)._entries;

    private void Add(string key, object value) => _entries.Add((key, value));

    private void AddOwn(string key, object value) => Add($"{_architecture}.{key}", value);

    private void AddShape(Qwen3Config config)
    {
        AddOwn("vocab_size", (uint)config.VocabSize);
        AddOwn("context_length", (uint)config.MaxPositions);
        AddOwn("embedding_length", (uint)config.HiddenSize);
        AddOwn("block_count", (uint)config.Layers);
        AddOwn("feed_forward_length", (uint)config.FfnSize);
        AddOwn("attention.head_count", (uint)config.Heads);
        AddOwn("attention.head_count_kv", (uint)config.KvHeads);
        AddOwn("attention.key_length", (uint)config.HeadDim);
        AddOwn("attention.value_length", (uint)config.HeadDim);
        AddOwn("attention.layer_norm_rms_epsilon", (float)config.RmsNormEps);
    }

    private void AddRope(RopeSettings rope)
    {
        AddOwn("rope.freq_base", (float)rope.Theta);
        if (rope.Type == RopeType.Default)
        {
            return;
        }

        AddOwn("rope.scaling.type", rope.Type == RopeType.Yarn ? "yarn" : "linear");
        AddOwn("rope.scaling.factor", (float)rope.Factor);
        AddOwn("rope.scaling.original_context_length", (uint)rope.OriginalContext);
        if (rope.Type != RopeType.Yarn)
        {
            return;
        }

        AddOwn("rope.scaling.yarn_beta_fast", (float)rope.BetaFast);
        AddOwn("rope.scaling.yarn_beta_slow", (float)rope.BetaSlow);
        if (rope.AttentionFactor != RopeSettings.YarnAttentionFactor(rope.Factor))
        {
            AddOwn("rope.scaling.yarn_attn_factor", (float)rope.AttentionFactor);
        }
    }

    private void AddExperts(Qwen3Config config)
    {
        if (!config.IsMoe)
        {
            return;
        }

        AddOwn("expert_count", (uint)config.Experts);
        AddOwn("expert_used_count", (uint)config.ExpertsPerToken);
        AddOwn("expert_feed_forward_length", (uint)config.ExpertFfnSize);
        AddOwn("expert_weights_norm", config.NormTopKProb);
        if (!config.NormTopKProb)
        {
            _notes.Add("llama.cpp divides the chosen experts' weights by their sum, which this model does not");
        }

        if (config.SparseLayers.Contains(false))
        {
            _notes.Add("llama.cpp reads no qwen3moe with dense layers, which this model has");
        }
    }

    private void AddWindows(Qwen3Config config)
    {
        if (config.Windows.Max() is > 0 and var window)
        {
            AddOwn("attention.sliding_window", (uint)window);
            AddOwn("attention.sliding_window_pattern", config.Windows.Select(w => w > 0).ToArray());
            _notes.Add("llama.cpp knows no sliding windows of Qwen3, which this model has");
        }
    }

    private void AddSampling(GenerationConfig generation)
    {
        if (generation.RepetitionPenalty != 1)
        {
            Add("general.sampling.penalty_repeat", (float)generation.RepetitionPenalty);
        }

        ImmutableArray<(string Name, double Value)> penalties =
            [("presence", generation.PresencePenalty), ("frequency", generation.FrequencyPenalty)];
        foreach ((string name, _) in penalties.Where(p => p.Value != 0))
        {
            _notes.Add($"the file has no place for the model's {name} penalty; give it when running");
        }

        if (generation.DoSample)
        {
            Add("general.sampling.temp", (float)generation.Temperature);
            Add("general.sampling.top_k", generation.TopK);
            Add("general.sampling.top_p", (float)generation.TopP);
            Add("general.sampling.min_p", (float)generation.MinP);
        }
    }
}
