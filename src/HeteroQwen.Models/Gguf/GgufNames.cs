using System.Collections.Frozen;

namespace HeteroQwen.Models;

/// <summary>What llama.cpp calls the constants of <see cref="Qwen3Tensors"/>.</summary>
internal static class GgufNames
{
    public const string Embedding = "token_embd.weight";
    public const string LmHead = "output.weight";
    private const string LayerPrefix = "model.layers.";

    private static readonly FrozenDictionary<string, string> s_top = new Dictionary<string, string>
    {
        [Qwen3Tensors.Embedding] = Embedding,
        [Qwen3Tensors.FinalNorm] = "output_norm.weight",
        [Qwen3Tensors.LmHead] = LmHead,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> s_ofLayer = new Dictionary<string, string>
    {
        ["input_layernorm"] = "attn_norm",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
        ["mlp.gate"] = "ffn_gate_inp",
        ["mlp.experts.gate_proj"] = "ffn_gate_exps",
        ["mlp.experts.up_proj"] = "ffn_up_exps",
        ["mlp.experts.down_proj"] = "ffn_down_exps",
    }.ToFrozenDictionary();

    /// <summary>The file's name: <c>blk.0.attn_q.weight</c> for <c>model.layers.0.self_attn.q_proj.weight</c>.</summary>
    public static string Of(string constant)
    {
        if (s_top.TryGetValue(constant, out string? top))
        {
            return top;
        }

        string[] parts = constant[LayerPrefix.Length..].Split('.', 2);
        int dot = parts[1].LastIndexOf('.');
        return $"blk.{parts[0]}.{s_ofLayer[parts[1][..dot]]}{parts[1][dot..]}";
    }
}
