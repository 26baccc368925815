using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Files that are well-formed and hold no model that is supported, or settings that the folder format has no test for.</summary>
public sealed class GgufRefusalTests
{
    private const string Up = "blk.1.ffn_up.weight";

    private static GgufWriter Writer(string model)
    {
        using HuggingFaceFolder source = HuggingFaceFolder.Open(TestData.Path($"hf/{model}"));
        return GgufWriter.Of(source);
    }

    private static Qwen3Config Read(string model, Func<GgufWriter, GgufWriter> change, params string[] warnings)
    {
        using TempFolder folder = new();
        using GgufModel opened = GgufModel.Open(folder.Write("x.gguf", change(Writer(model)).ToBytes()));
        Assert.Equal(warnings.Length, opened.Warnings.Count);
        Assert.All(warnings.Zip(opened.Warnings), w => Assert.Contains(w.First, w.Second, StringComparison.Ordinal));
        return opened.Config;
    }

    private static void AssertRefused(string model, Func<GgufWriter, GgufWriter> change, params string[] words)
    {
        using TempFolder folder = new();
        string path = folder.Write("x.gguf", change(Writer(model)).ToBytes());
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => GgufModel.Open(path).Dispose()), [path, .. words]);
    }

    public static TheoryData<string, object?, string> Values => new()
    {
        // the key, its new value (null: none), and what the message names beside the key
        { "general.architecture", null, "missing" },
        { "general.architecture", "llama", "qwen3moe" },
        { "general.architecture", 3, "text" },
        { "split.count", (ushort)2, "join" },
        { "qwen3.block_count", null, "missing" },
        { "qwen3.block_count", 0u, "1000" },
        { "qwen3.block_count", "4", "whole number" },
        { "qwen3.block_count", 4f, "whole number" },
        { "qwen3.block_count", true, "whole number" },
        { "qwen3.block_count", new[] { 4u }, "an array of 1 items" },
        { "qwen3.block_count", ulong.MaxValue, "18446744073709551615" },
        { "qwen3.embedding_length", 1u << 30, "131072" },
        { "qwen3.context_length", -1, "whole number" },
        { "qwen3.feed_forward_length", null, "missing" },
        { "qwen3.attention.head_count", 0u, "whole number" },
        { "qwen3.attention.head_count_kv", 3u, "divisor" },
        { "qwen3.attention.head_count_kv", new[] { 2u, 2u }, "whole number" },
        { "qwen3.attention.key_length", 31u, "even" },
        { "qwen3.attention.value_length", 16u, "size of a head" },
        { "qwen3.attention.layer_norm_rms_epsilon", null, "missing" },
        { "qwen3.attention.layer_norm_rms_epsilon", float.NaN, "NaN" },
        { "qwen3.attention.layer_norm_rms_epsilon", double.PositiveInfinity, "number from" },
        { "qwen3.attention.causal", false, "causal" },
        { "qwen3.attention.sliding_window_pattern", new[] { true }, "block_count" },
        { "qwen3.attention.sliding_window_pattern", new[] { 1, 1 }, "truth values" },
        { "qwen3.attn_logit_softcapping", 50f, "50" },
        { "qwen3.rope.freq_base", 1f, "1.001" },
        { "qwen3.rope.dimension_count", 8u, "size of a head" },
        { "qwen3.rope.scaling.type", "longrope", "yarn" },
        { "qwen3.rope.scaling.factor", 0.5f, "from 1" },
        { "qwen3.rope.scaling.attn_factor", 2f, "only 1" },
        { "qwen3.rope.scaling.yarn_log_multiplier", 0.1f, "only 0" },
        { "qwen3.vocab_size", 5u, "token_embd.weight" },
        { "tokenizer.ggml.eos_token_id", 1u << 20, "whole number" },
        { "general.sampling.temp", -1f, "number" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Open_wrong_value_names_the_key(string key, object? value, string named) => AssertRefused(
        ConfigFile.Dense, w => value is null ? w.Remove(key) : w.Set(key, value), key, named);

    [Theory]
    [InlineData("qwen3moe.expert_count", 0u, "whole number")]
    [InlineData("qwen3moe.expert_used_count", 9u, "from 1 to 8")]
    [InlineData("qwen3moe.expert_gating_func", 2u, "only 0 or 1")]
    [InlineData("qwen3moe.expert_shared_count", 1u, "only 0")]
    [InlineData("qwen3moe.expert_weights_norm", 1u, "true or false")]
    public void Open_wrong_value_of_experts_names_the_key(string key, object value, string named) =>
        AssertRefused(ConfigFile.Moe, w => w.Set(key, value), key, named);

    [Fact]
    public void Open_yarn_without_a_factor_is_refused() =>
        AssertRefused("dense-yarn-f32", w => w.Remove("qwen3.rope.scaling.factor"), "qwen3.rope.scaling.factor", "absent");

    [Theory]
    [InlineData("token_embd.weight")]
    [InlineData("output_norm.weight")]
    [InlineData("blk.0.attn_norm.weight")]
    [InlineData(Up)]
    public void Open_missing_tensor_is_named(string tensor) =>
        AssertRefused(ConfigFile.Dense, w => w.Change(tensor, _ => null), tensor, "missing");

    [Fact]
    public void Open_missing_expert_or_layer_is_named()
    {
        AssertRefused(ConfigFile.Moe, w => w.Change("blk.0.ffn_up_exps.weight", _ => null), "blk.0.ffn_up_exps.weight", "[64, 48, 8]");
        AssertRefused(ConfigFile.Moe, w => w.Set("qwen3moe.block_count", 1000u), "missing");
        const string Query = "blk.0.attn_q.weight";
        AssertRefused(ConfigFile.Dense, w => w.Change(Query, t => t with { Name = "blk.0.attn_qkv.weight" }), Query);
    }

    [Theory]
    [InlineData(13u, "q5_K")]
    [InlineData(2u, "q4_0")]
    [InlineData(20u, "iq4_nl")]
    [InlineData(39u, "mxfp4")]
    [InlineData(28u, "f64")]
    public void Open_type_that_is_not_supported_is_refused_by_its_name(uint type, string name)
    {
        // q4_0 is supported, but not for a vector.
        string tensor = name == "q4_0" ? "blk.1.ffn_norm.weight" : "blk.1.ffn_down.weight";
        AssertRefused(
            ConfigFile.Dense,
            w => Widen(w).Change(tensor, t => t with { Type = type }),
            tensor, name, name == "q4_0" ? "vector" : "q8_0");
    }

    /// <summary>An FFN of 256, so that each type's blocks fill its rows, with room for elements of 8 bytes.</summary>
    private static GgufWriter Widen(GgufWriter writer)
    {
        writer.Set("qwen3.feed_forward_length", 256u);
        foreach ((int layer, string name) in Enumerable.Range(0, 3).SelectMany(i => (string[])["gate", "up", "down"], (i, n) => (i, n)))
        {
            ulong[] dims = name == "down" ? [256, 64] : [64, 256];
            writer.Change($"blk.{layer}.ffn_{name}.weight", t => t with { Dims = dims, Data = new byte[256 * 64 * 8] });
        }

        return writer;
    }

    [Fact]
    public void Open_gate_and_up_of_experts_of_two_types_are_refused() => AssertRefused(
        ConfigFile.Moe, w => w.Change("blk.1.ffn_up_exps.weight", t => t with { Type = 1 }), "blk.1.ffn_up_exps.weight", "f16", "f32");

    [Fact]
    public void Open_tensors_of_the_wrong_shape_are_named()
    {
        AssertRefused(ConfigFile.Dense, w => w.Change(Up, t => t with { Dims = [.. t.Dims.Reverse()] }), Up, "[176, 64]", "[64, 176]");
        AssertRefused(ConfigFile.Dense, w => w.Change("token_embd.weight", t => t with { Dims = [64] }), "token_embd.weight");
    }

    [Fact]
    public void Open_dims_of_one_at_the_end_do_no_harm() =>
        Read(ConfigFile.Dense, w => w.Change("output_norm.weight", t => t with { Dims = [64, 1, 1, 1] }));

    [Fact]
    public void Open_what_nothing_uses_is_a_warning()
    {
        Read(ConfigFile.Dense, w => w.Set("qwen3.pooling_type", 1u), "qwen3.pooling_type");
        Read(ConfigFile.Dense, w => w.Add(new GgufWriter.Tensor("cls.output.weight", [4], 0, new byte[16])), "cls.output.weight");
        Read(ConfigFile.Dense, w => w.Set("general.sampling.mirostat", 1), "general.sampling.mirostat");
    }

    [Fact]
    public void Open_absent_keys_have_the_defaults_of_llama_cpp()
    {
        Qwen3Config config = Read(
            ConfigFile.Moe,
            w => w.Remove("qwen3moe.rope.freq_base").Remove("qwen3moe.expert_weights_norm").Set("qwen3moe.rope.scaling.factor", 0f));
        Assert.Equal((1e4, RopeType.Default, true), (config.Rope.Theta, config.Rope.Type, config.NormTopKProb));
    }

    [Fact]
    public void Open_factor_without_a_type_is_linear()
    {
        Qwen3Config config = Read(ConfigFile.Dense, w => w.Set("qwen3.rope.scaling.factor", 4f));
        Assert.Equal(new RopeSettings(RopeType.Linear, config.Rope.Theta, 4, config.MaxPositions), config.Rope);
    }

    [Fact]
    public void Open_window_holds_in_the_layers_of_its_pattern()
    {
        const string Window = "qwen3.attention.sliding_window";
        Qwen3Config config = Read(ConfigFile.Dense, w => w.Set(Window, 7u));
        Assert.All(config.Windows, window => Assert.Equal(7, window));
        bool[] pattern = [.. Enumerable.Range(0, config.Layers).Select(i => i % 2 == 1)];
        config = Read(ConfigFile.Dense, w => w.Set(Window, 7u).Set(Window + "_pattern", pattern));
        Assert.Equal(pattern.Select(p => p ? 7 : 0), config.Windows);
    }

    [Fact]
    public void Open_sampling_metadata_are_the_defaults_of_generation()
    {
        using TempFolder folder = new();
        GgufWriter writer = Writer(ConfigFile.Dense)
            .Set("general.sampling.temp", 0.6f).Set("general.sampling.top_p", 0.95f).Set("general.sampling.penalty_repeat", 1.25f);
        using GgufModel model = GgufModel.Open(folder.Write("x.gguf", writer.ToBytes()));
        GenerationConfig expected = new() { DoSample = true, Temperature = 0.6, TopK = 50, TopP = 0.95, RepetitionPenalty = 1.25 };
        Assert.Equal(expected, model.Generation with { EosTokenIds = [] });
    }
}
