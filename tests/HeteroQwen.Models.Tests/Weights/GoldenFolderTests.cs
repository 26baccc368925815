using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class GoldenFolderTests
{
    public static TheoryData<string> Models => [.. TestData.GoldenModels];

    [Theory]
    [MemberData(nameof(Models))]
    public void Open_gives_every_constant_with_its_shape_and_bytes(string name)
    {
        using HuggingFaceFolder model = HuggingFaceFolder.Open(TestData.Path($"hf/{name}"));
        Assert.Equal(name, model.Name);
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
    [InlineData("dense-tied-f32", ElementType.F32, false)]
    [InlineData("dense-f16", ElementType.F16, true)]
    [InlineData("dense-bf16", ElementType.BF16, false)]
    [InlineData("moe-bf16", ElementType.BF16, true)]
    public void Open_keeps_the_type_of_the_file_and_has_lm_head_only_untied(string name, ElementType type, bool head)
    {
        using HuggingFaceFolder model = HuggingFaceFolder.Open(TestData.Path($"hf/{name}"));
        Assert.All(model.Names, n => Assert.Equal(type, model.Get(n).Type));
        Assert.Equal(head, model.Names.Contains(Qwen3Tensors.LmHead));
    }

    [Fact]
    public void Expected_shapes_of_a_dense_layer_are_those_of_the_file()
    {
        using HuggingFaceFolder model = HuggingFaceFolder.Open(TestData.Path("hf/dense-untied-f32-sharded"));
        Assert.Equal([192, 64], model.Get(Qwen3Tensors.Layer(2, "self_attn.q_proj.weight")).Shape);
        Assert.Equal([64, 192], model.Get(Qwen3Tensors.Layer(2, "self_attn.o_proj.weight")).Shape);
        Assert.Equal([64, 176], model.Get(Qwen3Tensors.Layer(0, "mlp.down_proj.weight")).Shape);
        Assert.Equal([32], model.Get(Qwen3Tensors.Layer(0, "self_attn.k_norm.weight")).Shape);
    }

    [Fact]
    public void Get_experts_are_joined_in_order_across_shards()
    {
        string folder = TestData.Path("hf/moe-bf16");
        using HuggingFaceFolder model = HuggingFaceFolder.Open(folder);
        using SafetensorsFile first = SafetensorsFile.Open(Path.Combine(folder, "model-00001-of-00002.safetensors"));
        using SafetensorsFile second = SafetensorsFile.Open(Path.Combine(folder, "model-00002-of-00002.safetensors"));
        foreach (string projection in (string[])["gate_proj", "up_proj", "down_proj"])
        {
            ConstantData joined = model.Get($"model.layers.1.mlp.experts.{projection}.weight");
            Assert.Equal(projection == "down_proj" ? [8, 64, 48] : [8, 48, 64], joined.Shape);
            byte[] expected = [.. Enumerable.Range(0, 8).SelectMany(e =>
            {
                string tensor = $"model.layers.1.mlp.experts.{e}.{projection}.weight";
                return GoldenLogits.Read<byte>(first.Tensors.ContainsKey(tensor) ? first : second, tensor);
            })];
            Assert.Equal(expected, GgufWriter.Bytes(joined));
        }
    }

    [Fact]
    public void Open_mixed_model_has_experts_in_every_second_layer()
    {
        using HuggingFaceFolder model = HuggingFaceFolder.Open(TestData.Path("hf/moe-mixed-f32"));
        Assert.Equal([false, true, false, true], model.Config.SparseLayers);
        Assert.Equal([8, 64], model.Get(Qwen3Tensors.Layer(3, "mlp.gate.weight")).Shape);
        Assert.Contains(Qwen3Tensors.Layer(2, "mlp.gate_proj.weight"), model.Names);
    }

    [Fact]
    public void Golden_logits_are_read()
    {
        GoldenLogits golden = GoldenLogits.Load("dense-tied-f32");
        Assert.Equal((24, 24, 320, 16), (golden.Tokens.Length, golden.Rows.Length, golden.Vocab, golden.Greedy.Length));
        Assert.Equal(24 * 320, golden.Logits64.Length);
    }
}
