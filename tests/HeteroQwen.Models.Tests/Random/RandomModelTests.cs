using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Models without files: their shapes, types and seeds; nothing here allocates a weight.</summary>
public sealed class RandomModelTests
{
    private static readonly string[] s_shapes =
        ["qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "qwen3-30b-a3b", "qwen3-235b-a22b"];

    private static readonly string[] s_types = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k", "q4_k_m"];

    public static TheoryData<string> Models => [.. s_shapes.SelectMany(s => s_types.Select(t => $"random:{s}:{t}"))];

    /// <summary>Parameters as the models' cards on the Hub count them, with tied embeddings once.</summary>
    [Theory]
    [InlineData("qwen3-0.6b", 596_049_920)]
    [InlineData("qwen3-1.7b", 1_720_574_976)]
    [InlineData("qwen3-4b", 4_022_468_096)]
    [InlineData("qwen3-8b", 8_190_735_360)]
    [InlineData("qwen3-14b", 14_768_307_200)]
    [InlineData("qwen3-32b", 32_762_123_264)]
    [InlineData("qwen3-30b-a3b", 30_532_122_624)]
    [InlineData("qwen3-235b-a22b", 235_093_634_560)]
    public void Shape_has_the_parameters_of_the_real_model(string shape, long parameters)
    {
        using IModelSource model = ModelSource.Open($"random:{shape}");
        Assert.Equal(parameters, Data(model).Sum(d => d.Shape.Aggregate(1L, (product, dim) => product * dim)));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_shape_comes_in_every_type(string name)
    {
        using IModelSource model = ModelSource.Open(name);
        Assert.Equal(name, model.Name);
        Assert.Equal(Qwen3Tensors.Expected(model.Config).Select(t => t.Name), model.Names);
        Assert.Empty(model.Warnings);
        Assert.Equal(40960, model.Config.ContextLimit);
        Assert.All(Data(model), d => Assert.True(d.Generator is not null && d.Ranges.IsEmpty && d.Bytes > 0));
        Assert.Equal(model.Names.Count, Data(model).Select(d => d.Generator!.Seed).Distinct().Count());
        Assert.Equal(model.Names.Count, Data(model).Select(d => d.Identity).Distinct().Count());
    }

    [Fact]
    public void Type_is_bf16_unless_given_and_norms_are_f32_around_1()
    {
        using IModelSource model = ModelSource.Open("random:qwen3-0.6b");
        Assert.Equal("random:qwen3-0.6b:bf16", model.Name);
        ConstantData norm = model.Get("model.layers.27.self_attn.q_norm.weight");
        Assert.Equal((ElementType.F32, 1.0, 0.1), (norm.Type, norm.Generator!.Mean, norm.Generator.Deviation));
        ConstantData up = model.Get("model.layers.0.mlp.up_proj.weight");
        Assert.Equal((ElementType.BF16, 0.0, 0.02), (up.Type, up.Generator!.Mean, up.Generator.Deviation));
        Assert.Equal(596_049_920 * 2 + (2 * NormElements(model)), Data(model).Sum(d => d.Bytes));
    }

    [Fact]
    public void Weights_of_a_name_are_the_same_in_every_process()
    {
        using IModelSource model = ModelSource.Open("random:qwen3-0.6b:q8_0");
        Assert.Equal(0xA88FD795D5C6D156UL, model.Get(Qwen3Tensors.Embedding).Generator!.Seed);
    }

    [Fact]
    public void Routers_are_f32_and_the_output_of_q4_0_is_q6_k_as_in_the_files_of_llama_cpp()
    {
        using IModelSource quantised = ModelSource.Open("random:qwen3-30b-a3b:q4_0");
        Assert.Equal(ElementType.F32, quantised.Get("model.layers.3.mlp.gate.weight").Type);
        Assert.Equal(ElementType.Q4_0, quantised.Get("model.layers.3.mlp.experts.gate_proj.weight").Type);
        Assert.Equal(ElementType.Q4_0, quantised.Get(Qwen3Tensors.Embedding).Type);
        Assert.Equal(ElementType.Q6_K, quantised.Get(Qwen3Tensors.LmHead).Type);
        using IModelSource half = ModelSource.Open("random:qwen3-30b-a3b:f16");
        Assert.Equal(ElementType.F32, half.Get("model.layers.3.mlp.gate.weight").Type);
    }

    [Fact]
    public void Q4_k_m_is_the_mix_that_llama_cpp_writes()
    {
        using GgufModel written = GgufModel.Open(LlamaCppGolden.PathOf("tiny-dense256-q4_k_m"));
        using RandomModel model = new("random:test", written.Config, "q4_k_m");
        Assert.Equal(Types(written), Types(model));
        Assert.Contains(Types(model), t => t.Type == ElementType.Q6_K && t.Name != Qwen3Tensors.Embedding);
    }

    [Theory]
    [InlineData("qwen3-0.6b", 14, "model.embed_tokens.weight")]
    [InlineData("qwen3-8b", 18, "lm_head.weight")]
    [InlineData("qwen3-30b-a3b", 24, "lm_head.weight")]
    public void Q4_k_m_takes_q6_k_for_the_output_and_half_of_the_careful_products(string shape, int layers, string output)
    {
        using IModelSource model = ModelSource.Open($"random:{shape}:q4_k_m");
        string[] better = [.. Types(model).Where(t => t.Type == ElementType.Q6_K).Select(t => t.Name)];
        Assert.Contains(output, better);
        Assert.Equal(layers, better.Count(n => n.EndsWith("v_proj.weight", StringComparison.Ordinal)));
        Assert.Equal(layers, better.Count(n => n.EndsWith("down_proj.weight", StringComparison.Ordinal)));
        Assert.Equal((2 * layers) + 1, better.Length);
    }

    [Theory]
    [InlineData("random:qwen3-9b", "qwen3-9b")]
    [InlineData("random:", "no shape")]
    [InlineData("random:qwen3-0.6b-q8_0", "qwen3-0.6b-q8_0")]
    [InlineData("random:\nx:q8_0", "?x")]
    public void Open_of_a_shape_that_is_not_there_lists_those_that_are(string name, string found) =>
        AssertRefused(name, [found, .. s_shapes]);

    [Theory]
    [InlineData("random:qwen3-8b:q5_k", "q5_k")]
    [InlineData("random:qwen3-8b:", "no type")]
    [InlineData("random:qwen3-8b:i8", "i8")]
    [InlineData("random:qwen3-8b:q8_0:x", "q8_0:x")]
    public void Open_of_a_type_that_is_not_there_lists_those_that_are(string name, string found) =>
        AssertRefused(name, [found, .. s_types]);

    [Fact]
    public void Text_is_qwen3s()
    {
        ModelText text = ModelSource.OpenText("random:qwen3-4b");
        Assert.True(text.Template.IsKnownTemplate);
        Assert.Equal(151669, text.RequireTokenizer().VocabularySize);
        using IModelSource model = ModelSource.Open("random:qwen3-4b");
        Assert.Equal("<|im_end|>", text.RequireTokenizer().Decode(model.Generation.EosTokenIds));
    }

    private static void AssertRefused(string name, string[] words)
    {
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => ModelSource.Open(name)), words);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => ModelSource.OpenText(name)), words);
    }

    private static long NormElements(IModelSource model) => Data(model).Where(d => d.Shape.Length == 1).Sum(d => d.Shape[0]);

    private static IEnumerable<ConstantData> Data(IModelSource model) => model.Names.Select(model.Get);

    private static IEnumerable<(string Name, ElementType Type)> Types(IModelSource model) =>
        model.Names.Select(n => (n, model.Get(n).Type));
}
