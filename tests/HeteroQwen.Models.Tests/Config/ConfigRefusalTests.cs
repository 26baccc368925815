using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class ConfigRefusalTests
{
    [Theory]
    [InlineData("num_hidden_layers", "1000000000", "from 1 to 1000")]
    [InlineData("num_hidden_layers", "0", "from 1 to 1000")]
    [InlineData("num_hidden_layers", "-3", "from 1 to 1000")]
    [InlineData("num_hidden_layers", "3.5", "whole number")]
    [InlineData("num_hidden_layers", "\"3\"", "whole number")]
    [InlineData("num_hidden_layers", null, "missing")]
    [InlineData("hidden_size", "1e30", "whole number")]
    [InlineData("hidden_size", "9223372036854775808", "whole number")]
    [InlineData("intermediate_size", "2147483647", "whole number")]
    [InlineData("intermediate_size", null, "missing")]
    [InlineData("vocab_size", "16777217", "16777216")]
    [InlineData("vocab_size", "[320]", "whole number")]
    [InlineData("head_dim", "31", "even")]
    [InlineData("head_dim", "1048576", "4096")]
    [InlineData("num_attention_heads", "5", "divisor", "num_key_value_heads")]
    [InlineData("num_key_value_heads", "3", "divisor")]
    [InlineData("num_key_value_heads", "0", "from 1 to 4")]
    [InlineData("num_key_value_heads", null, "missing")]
    [InlineData("max_position_embeddings", "2147483647", "16777216")]
    [InlineData("rms_norm_eps", "-1", "number")]
    [InlineData("rms_norm_eps", "1e999", "number")]
    [InlineData("rope_theta", "0", "number")]
    [InlineData("rope_theta", "1", "number")]
    [InlineData("rope_theta", null, "missing")]
    [InlineData("eos_token_id", "320", "319")]
    [InlineData("eos_token_id", "[1, -1]", "319")]
    [InlineData("eos_token_id", "\"</s>\"", "list")]
    [InlineData("bos_token_id", "1.5", "whole")]
    [InlineData("tie_word_embeddings", "1", "true or false")]
    [InlineData("hidden_act", "\"gelu\"", "silu")]
    [InlineData("architectures", "[\"LlamaForCausalLM\"]", "LlamaForCausalLM", "Qwen3ForCausalLM")]
    [InlineData("architectures", "[\"Qwen3Model\"]", "Qwen3Model")]
    [InlineData("architectures", "[]", "Qwen3ForCausalLM")]
    [InlineData("architectures", "\"Qwen3ForCausalLM\"", "list of strings")]
    [InlineData("model_type", "\"qwen2\"", "qwen2", "qwen3_moe")]
    [InlineData("model_type", "\"qwen3_moe\"", "qwen3")]
    [InlineData("quantization_config", """{"quant_method":"fp8"}""", "fp8")]
    [InlineData("partial_rotary_factor", "0.5", "0.5")]
    [InlineData("layer_types", """["full_attention","chunked_attention","full_attention"]""", "chunked_attention")]
    [InlineData("layer_types", """["full_attention"]""", "num_hidden_layers")]
    [InlineData("layer_types", """["full_attention","full_attention","sliding_attention"]""", "missing", "sliding_window")]
    [InlineData("sliding_window", "0", "from 1")]
    public void Load_dense_value_is_refused_by_name(string key, string? json, params string[] words)
    {
        // Where two keys contradict each other, the sentence is about the other one.
        bool aboutOther = words.Contains("num_key_value_heads") || words.Contains("sliding_window");
        ConfigFile.AssertRefused(ConfigFile.Text(ConfigFile.Dense, (key, json)), aboutOther ? words : [key, .. words]);
    }

    [Theory]
    [InlineData("num_experts", "1000000", "4096")]
    [InlineData("num_experts", null, "missing")]
    [InlineData("num_local_experts", "7", "num_experts")]
    [InlineData("num_experts_per_tok", "9", "from 1 to 8")]
    [InlineData("moe_intermediate_size", "0", "whole")]
    [InlineData("decoder_sparse_step", "0", "from 1")]
    [InlineData("mlp_only_layers", "[3]", "from 0 to 2")]
    public void Load_moe_value_is_refused_by_name(string key, string? json, params string[] words) =>
        ConfigFile.AssertRefused(ConfigFile.Text(ConfigFile.Moe, (key, json)), [key, .. words]);

    [Theory]
    [InlineData("""{"rope_type":"llama3","factor":8}""", "llama3", "yarn")]
    [InlineData("""{"type":"dynamic","factor":8}""", "dynamic", "rope_scaling.type")]
    [InlineData("""{"rope_type":"yarn"}""", "factor", "missing")]
    [InlineData("""{"rope_type":"yarn","type":"linear","factor":2}""", "yarn", "linear")]
    [InlineData("""{"rope_type":"yarn","factor":0.5}""", "factor", "0.5")]
    [InlineData("""{"rope_type":"yarn","factor":1024,"original_max_position_embeddings":1000000}""", "factor", "1024")]
    [InlineData("""{"rope_type":"yarn","factor":2,"mscale":1.0}""", "mscale")]
    [InlineData("""{"rope_type":"yarn","factor":2,"mscale_all_dim":1.0}""", "mscale_all_dim")]
    [InlineData("""{"rope_type":"yarn","factor":2,"truncate":false}""", "truncate")]
    [InlineData("""{"rope_type":"yarn","factor":2,"beta_fast":1,"beta_slow":2}""", "beta_fast")]
    [InlineData("""{"rope_type":"yarn","factor":2,"attention_factor":0}""", "attention_factor")]
    [InlineData("""{"rope_type":"yarn","factor":2,"original_max_position_embeddings":0}""", "original_max_position_embeddings")]
    [InlineData("""{"rope_type":"linear","factor":2,"beta_fast":32}""", "beta_fast", "linear")]
    [InlineData("""{"factor":2}""", "factor", "default")]
    [InlineData("""{"rope_type":"default","rope_theta":5}""", "rope_theta")]
    [InlineData("""{"rope_type":"default","partial_rotary_factor":0.25}""", "partial_rotary_factor")]
    [InlineData("""{"full_attention":{"rope_type":"default"}}""", "full_attention")]
    [InlineData("\"yarn\"", "rope_scaling", "object")]
    public void Load_rope_is_refused_by_name(string scaling, params string[] words) =>
        ConfigFile.AssertRefused(ConfigFile.Text(ConfigFile.Dense, ("rope_scaling", scaling)), words);

    [Fact]
    public void Load_contradicting_ropes_are_refused() => ConfigFile.AssertRefused(
        ConfigFile.Text(
            ConfigFile.Dense,
            ("rope_scaling", """{"rope_type":"linear","factor":2}"""),
            ("rope_parameters", """{"rope_type":"default"}""")),
        "rope_scaling", "rope_parameters");

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[1]", "no JSON object")]
    [InlineData("{\"vocab_size\": 1,", "JSON")]
    [InlineData("{\"vocab_size\": 1, \"vocab_size\": 2}", "vocab_size")]
    [InlineData("{\"\\ud800\": 1}", "JSON")]
    [InlineData("{\"hidden_act\": \"\\udc00\"}", "JSON")]
    [InlineData("{\"model_type\": \"qwen3\u0007\"}", "JSON")]
    [InlineData("{\"model_type\": \"a\\u001b[31mb\\n\"}", "model_type")]
    public void Load_malformed_json_is_a_sentence(string text, string word) => ConfigFile.AssertRefused(text, word);

    [Fact]
    public void Load_deep_nesting_is_a_sentence() =>
        ConfigFile.AssertRefused("{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}", "JSON");

    [Fact]
    public void Load_huge_file_is_refused_unread() => ConfigFile.AssertRefused(new string(' ', (4 << 20) + 1), "bytes");

    [Fact]
    public void Load_missing_file_or_folder_is_a_sentence()
    {
        using TempFolder folder = new();
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => Qwen3Config.Load(folder.File("config.json"))), "config.json");
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => Qwen3Config.Load(folder.Path)), folder.Path);
    }
}
