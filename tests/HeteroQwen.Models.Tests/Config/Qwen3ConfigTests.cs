using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class Qwen3ConfigTests
{
    private const string DefaultRope = """{"rope_type": "default", "rope_theta": 1000000.0}""";

    [Fact]
    public void Load_dense_as_on_the_hub_reads_every_field()
    {
        Qwen3Config c = Qwen3Config.Load(TestData.Path("hf/dense-tied-f32/config.json"));
        Assert.Equal((320, 64, 3, 4, 2, 32, 176), (c.VocabSize, c.HiddenSize, c.Layers, c.Heads, c.KvHeads, c.HeadDim, c.FfnSize));
        Assert.Equal((1e-6, true, false, 4096, 4096), (c.RmsNormEps, c.TiedEmbeddings, c.AttentionBias, c.MaxPositions, c.ContextLimit));
        Assert.Equal(new RopeSettings(RopeType.Default, 1e6, 1, 4096), c.Rope);
        Assert.False(c.IsMoe);
        Assert.Equal([0, 0, 0], c.Windows);
        Assert.Empty(c.EosTokenIds);
        Assert.Null(c.BosTokenId);
    }

    [Fact]
    public void Load_moe_of_transformers_5_reads_the_experts()
    {
        Qwen3Config c = Qwen3Config.Load(TestData.Path("hf/moe-bf16/config.json"));
        Assert.Equal((8, 2, 48, true), (c.Experts, c.ExpertsPerToken, c.ExpertFfnSize, c.NormTopKProb));
        Assert.Equal([true, true, true], c.SparseLayers);
        Assert.False(c.TiedEmbeddings);
    }

    [Theory]
    [InlineData(ConfigFile.Dense)]
    [InlineData(ConfigFile.Moe)]
    public void Load_either_dialect_gives_the_same_config(string model)
    {
        Qwen3Config hub = ConfigFile.Read(model);
        Qwen3Config v5 = ConfigFile.Read(
            model, ("rope_theta", null), ("rope_scaling", null), ("rope_parameters", DefaultRope), ("torch_dtype", null),
            ("dtype", "\"float32\""), ("num_experts", null), ("num_local_experts", hub.IsMoe ? "8" : null),
            ("layer_types", """["full_attention","full_attention","full_attention"]"""));
        Assert.Equal(hub.Windows, v5.Windows);
        Assert.Equal(hub.SparseLayers, v5.SparseLayers);
        Assert.Equal(hub, v5 with { Windows = hub.Windows, SparseLayers = hub.SparseLayers });
    }

    [Fact]
    public void Load_yarn_in_either_dialect_gives_the_same_rope()
    {
        const string Yarn =
            """{"type":"yarn","factor":4,"original_max_position_embeddings":1024,"beta_fast":16,"beta_slow":2,"attention_factor":1.5}""";
        Qwen3Config hub = ConfigFile.Read(ConfigFile.Dense, ("rope_scaling", Yarn));
        Qwen3Config v5 = ConfigFile.Read(
            ConfigFile.Dense, ("rope_theta", null), ("rope_scaling", null),
            ("rope_parameters", Yarn.Replace("\"type\"", "\"rope_theta\":1e6,\"rope_type\"", StringComparison.Ordinal)));
        Assert.Equal(new RopeSettings(RopeType.Yarn, 1e6, 4, 1024, 16, 2, 1.5), hub.Rope);
        Assert.Equal(hub.Rope, v5.Rope);
    }

    [Theory]
    [InlineData("""{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}""", 40960, 131072)]
    [InlineData("""{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":1000}""", 40960, 40960)]
    [InlineData("""{"rope_type":"yarn","factor":2.5}""", 1000, 2500)]
    [InlineData("""{"rope_type":"linear","factor":3.0}""", 1000, 3000)]
    [InlineData("""{"rope_type":"default"}""", 1000, 1000)]
    public void ContextLimit_is_the_larger_of_positions_and_factor_times_original(string scaling, int positions, int limit)
    {
        Qwen3Config c = ConfigFile.Read(ConfigFile.Dense, ("rope_scaling", scaling), ("max_position_embeddings", $"{positions}"));
        Assert.Equal(limit, c.ContextLimit);
    }

    [Fact]
    public void Load_yarn_defaults_are_those_of_transformers()
    {
        RopeSettings rope = ConfigFile.Read(
            ConfigFile.Dense, ("rope_scaling", """{"rope_type":"yarn","factor":4.0,"attention_factor":null}""")).Rope;
        Assert.Equal((32, 1, 4096), (rope.BetaFast, rope.BetaSlow, rope.OriginalContext));
        Assert.Equal(1.1386294361119891, rope.AttentionFactor, 15);
    }

    [Theory]
    [InlineData("qwen3 without the key has 128", ConfigFile.Dense, null, 128)]
    [InlineData("null is hidden / heads", ConfigFile.Dense, "null", 16)]
    [InlineData("MoE without the key is hidden / heads", ConfigFile.Moe, null, 16)]
    [InlineData("the key wins", ConfigFile.Moe, "48", 48)]
    public void Load_head_dim_defaults_as_transformers_does(string why, string model, string? json, int expected)
    {
        Assert.NotEmpty(why);
        Assert.Equal(expected, ConfigFile.Read(model, ("head_dim", json)).HeadDim);
    }

    [Theory]
    [InlineData("null", new int[0])]
    [InlineData("7", new[] { 7 })]
    [InlineData("[7, 319]", new[] { 7, 319 })]
    public void Load_eos_is_a_number_or_a_list_or_null(string json, int[] expected) =>
        Assert.Equal(expected, ConfigFile.Read(ConfigFile.Dense, ("eos_token_id", json)).EosTokenIds);

    [Fact]
    public void Load_flags_are_honoured()
    {
        Qwen3Config c = ConfigFile.Read(
            ConfigFile.Moe, ("attention_bias", "true"), ("norm_topk_prob", null), ("tie_word_embeddings", null), ("rms_norm_eps", "1e-5"));
        Assert.Equal((true, false, false, 1e-5), (c.AttentionBias, c.NormTopKProb, c.TiedEmbeddings, c.RmsNormEps));
    }

    [Theory]
    [InlineData("1", "[]", new[] { true, true, true, true })]
    [InlineData("2", "[]", new[] { false, true, false, true })]
    [InlineData("1", "[0, 3]", new[] { false, true, true, false })]
    [InlineData("2", "[1]", new[] { false, false, false, true })]
    [InlineData("3", "null", new[] { false, false, true, false })]
    public void Load_sparse_layers_follow_step_and_mlp_only_layers(string step, string only, bool[] expected)
    {
        Qwen3Config c = ConfigFile.Read(
            ConfigFile.Moe, ("num_hidden_layers", "4"), ("decoder_sparse_step", step), ("mlp_only_layers", only));
        Assert.Equal(expected, c.SparseLayers);
    }

    [Theory]
    [InlineData(ConfigFile.Dense, "full_attention,sliding_attention,full_attention", false, "5", new[] { 0, 5, 0 })]
    [InlineData(ConfigFile.Dense, "full_attention,full_attention,full_attention", true, "5", new[] { 0, 0, 0 })]
    [InlineData(ConfigFile.Moe, "sliding_attention,full_attention,full_attention", true, "5", new[] { 5, 0, 0 })]
    [InlineData(ConfigFile.Dense, null, true, "5", new[] { 0, 0, 5 })]
    [InlineData(ConfigFile.Dense, null, true, "null", new[] { 0, 0, 0 })]
    [InlineData(ConfigFile.Dense, null, false, "5", new[] { 0, 0, 0 })]
    [InlineData(ConfigFile.Moe, null, true, "5", new[] { 5, 5, 5 })]
    public void Load_windows_are_of_layer_types_or_of_use_sliding_window(
        string model, string? types, bool use, string window, int[] expected)
    {
        string? list = types is null ? null : $"[{string.Join(",", types.Split(',').Select(t => $"\"{t}\""))}]";
        Qwen3Config c = ConfigFile.Read(
            model, ("layer_types", list), ("use_sliding_window", use ? "true" : "false"), ("sliding_window", window),
            ("max_window_layers", "2"));
        Assert.Equal(expected, c.Windows);
    }

    [Fact]
    public void Load_unknown_key_is_a_warning_that_names_it()
    {
        List<string> warnings = [];
        ConfigFile.ReadText(ConfigFile.Text(ConfigFile.Dense, ("logits_scaling", "2")), warnings);
        Assert.Contains("logits_scaling", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_all_golden_configs_are_without_warnings() => Assert.All(TestData.GoldenModels, model =>
    {
        List<string> warnings = [];
        Qwen3Config.Load(TestData.Path($"hf/{model}/config.json"), warnings);
        Assert.Empty(warnings);
    });
}
