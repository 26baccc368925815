using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Qwen3, dense or with experts, as one graph of blocks:
/// <code>
/// x = gather_rows(embedding, tokens)
/// x = attention_block(x, ...);  x = ffn_block(x, ...) or moe_block(x, ...)          for each layer
/// logits = linear(rms_norm(gather_rows(x, rows)), lm_head or the tied embedding)    f32 [R, V]
/// </code>
/// </summary>
public sealed class Qwen3Graph
{
    /// <summary>i32 [T]: the tokens of the step.</summary>
    public const string Tokens = "tokens";

    /// <summary>i32 [R]: which of the step's tokens' logits are wanted.</summary>
    public const string Rows = "rows";

    /// <summary>i32 [T]: the slot of the KV pool that each token's K and V go to.</summary>
    public const string WriteSlot = "write_slot";

    /// <summary>f32 [T, D]: see <see cref="RopeTable"/>.</summary>
    public const string Cos = "cos";

    /// <summary>f32 [T, D]: see <see cref="RopeTable"/>.</summary>
    public const string Sin = "sin";

    /// <summary>The output, f32 [R, V].</summary>
    public const string Logits = "logits";

    private readonly Qwen3Config _config;
    private readonly KvLayout _kv;
    private readonly GraphBuilder _builder = new("qwen3");
    private readonly Func<string, ElementType> _weightTypes;
    private readonly Dictionary<string, ImmutableArray<long>> _shapes;
    private readonly Value _tokens;
    private readonly Value _rows;
    private readonly Value _writeSlot;
    private readonly Value _cos;
    private readonly Value _sin;
    private readonly AttentionIndex _index;

    private Qwen3Graph(Qwen3Config config, Func<string, ElementType> weightTypes, KvLayout kv)
    {
        (_config, _weightTypes, _kv) = (config, weightTypes, kv);
        _shapes = Qwen3Tensors.Expected(config).ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        _tokens = Ints(Tokens, Dim.T);
        _rows = Ints(Rows, Dim.R);
        _cos = _builder.Input(Cos, new(ElementType.F32, Dim.T, config.HeadDim));
        _sin = _builder.Input(Sin, new(ElementType.F32, Dim.T, config.HeadDim));
        _writeSlot = Ints(WriteSlot, Dim.T);
        ImmutableArray<string> names = AttentionIndex.Names;
        _index = new AttentionIndex(
            Ints(names[0], Dim.T), Ints(names[1], Dim.T), Ints(names[2], Dim.BPlus1), Ints(names[3], Dim.BPlus1),
            Ints(names[4], Dim.B, kv.Pages), Ints(names[5], Dim.N), Ints(names[6], Dim.N), Ints(names[7], Dim.N));
    }

    /// <param name="config">The model's shape.</param>
    /// <param name="weightTypes">Element type of each constant that <see cref="Qwen3Tensors.Expected"/> names.</param>
    /// <param name="kv">The KV pool.</param>
    public static Graph Build(Qwen3Config config, Func<string, ElementType> weightTypes, KvLayout kv)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weightTypes);
        ArgumentNullException.ThrowIfNull(kv);
        return new Qwen3Graph(config, weightTypes, kv).Build();
    }

    private Graph Build()
    {
        Value embedding = Constant(Qwen3Tensors.Embedding);
        _builder.Scope = "embed.x";
        Value x = _builder.GatherRows(embedding, _tokens);
        for (int layer = 0; layer < _config.Layers; layer++)
        {
            x = AttentionBlock(layer, x);
            x = _config.SparseLayers[layer] ? MoeBlock(layer, x) : FfnBlock(layer, x);
        }

        _builder.Scope = "final.x";
        x = _builder.GatherRows(x, _rows);
        _builder.Scope = "final.norm";
        x = _builder.RmsNorm(x, Constant(Qwen3Tensors.FinalNorm), _config.RmsNormEps);
        _builder.Scope = Logits;
        _builder.Output(Logits, _builder.Linear(x, _config.TiedEmbeddings ? embedding : Constant(Qwen3Tensors.LmHead)));
        return _builder.Build();
    }

    private Value AttentionBlock(int layer, Value x)
    {
        TensorType state = new(_kv.Type, _kv.Slots, _config.KvHeads, _config.HeadDim);
        Value Weight(string suffix) => Constant(Qwen3Tensors.Layer(layer, suffix));
        ImmutableArray<Value> biases = _config.AttentionBias
            ? [.. "qkvo".Select(p => Weight($"self_attn.{p}_proj.bias"))]
            : [];
        ImmutableArray<Value> operands =
        [
            x, Weight("input_layernorm.weight"), .. "qkvo".Select(p => Weight($"self_attn.{p}_proj.weight")),
            Weight("self_attn.q_norm.weight"), Weight("self_attn.k_norm.weight"), _cos, _sin,
            _builder.State($"layers.{layer}.k", state), _builder.State($"layers.{layer}.v", state), _writeSlot,
            .. _index.ToArray(), .. biases,
        ];
        Attributes attributes = new(
            ("eps", _config.RmsNormEps), ("page", _kv.Page), ("scale", 1 / Math.Sqrt(_config.HeadDim)),
            ("window", (long)_config.Windows[layer]));
        string scope = _builder.Scope = $"layers.{layer}.attn";
        return _builder.Emit(Ir.AttentionBlock.Instance, operands, attributes, [$"{scope}.x", $"{scope}.k", $"{scope}.v"])[0];
    }

    private Value FfnBlock(int layer, Value x)
    {
        Value Weight(string suffix) => Constant(Qwen3Tensors.Layer(layer, suffix));
        _builder.Scope = $"layers.{layer}.ffn.x";
        return _builder.FfnBlock(
            x, Weight("post_attention_layernorm.weight"), Weight("mlp.gate_proj.weight"), Weight("mlp.up_proj.weight"),
            Weight("mlp.down_proj.weight"), _config.RmsNormEps);
    }

    private Value MoeBlock(int layer, Value x)
    {
        Value Weight(string suffix) => Constant(Qwen3Tensors.Layer(layer, suffix));
        _builder.Scope = $"layers.{layer}.moe.x";
        return _builder.MoeBlock(
            x, Weight("post_attention_layernorm.weight"), Weight("mlp.gate.weight"), Weight("mlp.experts.gate_proj.weight"),
            Weight("mlp.experts.up_proj.weight"), Weight("mlp.experts.down_proj.weight"), _config.RmsNormEps, _config.ExpertsPerToken,
            _config.NormTopKProb ? 1 : 0);
    }

    private Value Constant(string name) =>
        _builder.Constant(name, new(_weightTypes(name), new Shape(_shapes[name].Select(d => (Dim)d))));

    private Value Ints(string name, params ReadOnlySpan<Dim> dims) => _builder.Input(name, new(ElementType.I32, dims));
}
