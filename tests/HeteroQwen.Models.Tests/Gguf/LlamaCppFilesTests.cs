using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>The golden files that llama.cpp wrote.</summary>
public sealed class LlamaCppFilesTests
{
    public static TheoryData<string> Models => [.. LlamaCppGolden.All];

    [Theory]
    [MemberData(nameof(Models))]
    public void Open_gives_every_constant_with_its_shape_and_bytes(string name)
    {
        using GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf(name));
        Assert.Equal($"{name}.gguf", model.Name);
        Assert.Empty(model.Warnings);
        var expected = Qwen3Tensors.Expected(model.Config).ToList();
        Assert.Equal(expected.Select(e => e.Name), model.Names);
        Assert.All(expected, e =>
        {
            ConstantData data = model.Get(e.Name);
            Assert.Equal(e.Shape, data.Shape);
            Assert.Equal(data.Type.Bytes(e.Shape.Aggregate(1L, (a, b) => a * b)), data.Bytes);
        });
        Assert.Equal(model.Names.Count, model.Names.Select(n => model.Get(n).Identity).Distinct().Count());
    }

    [Theory]
    [InlineData("tiny-dense-f32", ElementType.F32, ElementType.F32, ElementType.F32)]
    [InlineData("tiny-dense-untied-f32", ElementType.F32, ElementType.F32, ElementType.F32)]
    [InlineData("tiny-dense256-f32", ElementType.F32, ElementType.F32, ElementType.F32)]
    [InlineData("tiny-dense256-f16", ElementType.F16, ElementType.F16, ElementType.F16)]
    [InlineData("tiny-dense256-bf16", ElementType.BF16, ElementType.BF16, ElementType.BF16)]
    [InlineData("tiny-dense256-q8_0", ElementType.Q8_0, ElementType.Q8_0, ElementType.Q8_0)]
    [InlineData("tiny-dense256-q4_0", ElementType.Q4_0, ElementType.Q4_0, ElementType.Q4_0)]
    [InlineData("tiny-dense256-q4_k", ElementType.Q4_K, ElementType.Q4_K, ElementType.Q4_K)]
    [InlineData("tiny-dense256-q4_k_m", ElementType.Q6_K, ElementType.Q4_K, ElementType.Q6_K)]
    [InlineData("tiny-dense256-q6_k", ElementType.Q6_K, ElementType.Q6_K, ElementType.Q6_K)]
    public void Open_keeps_the_types_of_the_file(string name, ElementType embedding, ElementType query, ElementType lastDown)
    {
        using GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf(name));
        Assert.Equal(embedding, model.Get(Qwen3Tensors.Embedding).Type);
        Assert.Equal(query, model.Get(Qwen3Tensors.Layer(0, "self_attn.q_proj.weight")).Type);
        Assert.Equal(lastDown, model.Get(Qwen3Tensors.Layer(1, "mlp.down_proj.weight")).Type);
        Assert.Equal(ElementType.F32, model.Get(Qwen3Tensors.FinalNorm).Type);
        Assert.Equal(name == "tiny-dense-untied-f32", !model.Config.TiedEmbeddings);
    }

    [Theory]
    [InlineData("tiny-moe-f32", ElementType.F32)]
    [InlineData("tiny-moe256-q8_0", ElementType.Q8_0)]
    [InlineData("tiny-moe256-q4_k", ElementType.Q4_K)]
    public void Open_keeps_the_types_of_experts(string name, ElementType type)
    {
        using GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf(name));
        foreach (string projection in (string[])["gate_proj", "up_proj", "down_proj"])
        {
            Assert.Equal(type, model.Get(Qwen3Tensors.Layer(0, $"mlp.experts.{projection}.weight")).Type);
        }

        Assert.Equal(ElementType.F32, model.Get(Qwen3Tensors.Layer(0, "mlp.gate.weight")).Type);
    }

    [Fact]
    public void Open_reads_the_config_of_a_model_with_experts()
    {
        using GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf("tiny-moe-f32"));
        Qwen3Config config = model.Config;
        Assert.Equal((512, 64, 2), (config.VocabSize, config.HiddenSize, config.Layers));
        Assert.Equal((4, 2, 16), (config.Heads, config.KvHeads, config.HeadDim));
        Assert.Equal((8, 2, 64, true), (config.Experts, config.ExpertsPerToken, config.ExpertFfnSize, config.NormTopKProb));
        Assert.Equal((128, 512, 512), (config.FfnSize, config.MaxPositions, config.ContextLimit));
        Assert.Equal((1e-6, 1e6, RopeType.Default), (config.RmsNormEps, config.Rope.Theta, config.Rope.Type));
        Assert.Equal([0, 0], config.Windows);
        Assert.Equal([true, true], config.SparseLayers);
        Assert.Equal([511], config.EosTokenIds);
        Assert.Equal(509, config.BosTokenId);
        Assert.Equal([511, 509], model.Generation.EosTokenIds);
        Assert.False(model.Generation.DoSample);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Tokenizer_gives_the_ids_of_llama_cpp(string name)
    {
        using GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf(name));
        QwenTokenizer tokenizer = model.Text.RequireTokenizer();
        JsonElement[] vectors = [.. TokenizerData.ReadJson(TestData.Path("llamacpp/tokenizer.json")).EnumerateArray()];
        Assert.Equal(10, vectors.Length);
        Assert.All(vectors, v =>
        {
            int[] ids = tokenizer.Encode(v.Text("text"), allowSpecial: true);
            Assert.Equal(v.Ids("ids"), ids);
            Assert.Equal(v.Text("text"), tokenizer.Decode(ids));
        });
        Assert.Equal(512, tokenizer.VocabularySize);
        Assert.Equal(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], tokenizer.SpecialTokens);
        Assert.False(model.Text.Template.IsKnownTemplate);
        Assert.Contains($"{name}.gguf", model.Text.Template.Warning, StringComparison.Ordinal);
    }
}
