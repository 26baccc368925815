using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>A model as a folder and the same model as a GGUF file are the same model.</summary>
public sealed class GgufModelTests
{
    private static readonly string[] s_texts =
        ["Tell me a story about 48 pandas.", "<|im_start|>user\n<think>你好</think> cafe\u0301<|im_end|>", "\n \t x'LL"];

    public static TheoryData<string> Folders =>
        [.. TestData.GoldenModels.Select(m => $"hf/{m}").Select(TestData.Path), .. BundledModels.Names.Select(BundledModels.PathOf)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Open_converted_folder_has_its_config_and_its_bytes(string path)
    {
        using TempFolder folder = new();
        using HuggingFaceFolder original = HuggingFaceFolder.Open(path);
        using GgufModel converted = GgufModel.Open(folder.Write("model.gguf", GgufWriter.Of(original).ToBytes()));
        Assert.Empty(converted.Warnings);
        AssertSame(original.Config, converted.Config);
        Assert.Equal(original.Names, converted.Names);
        Assert.All(original.Names, name =>
        {
            (ConstantData a, ConstantData b) = (original.Get(name), converted.Get(name));
            Assert.Equal(a.Type, b.Type);
            Assert.Equal(a.Shape, b.Shape);
            Assert.True(GgufWriter.Bytes(a).AsSpan().SequenceEqual(GgufWriter.Bytes(b)), name);
        });
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Open_converted_bundled_model_has_its_tokenizer_template_and_ends(string name)
    {
        using TempFolder folder = new();
        string path = BundledModels.PathOf(name);
        using HuggingFaceFolder original = HuggingFaceFolder.Open(path);
        using GgufModel converted = GgufModel.Open(folder.Write("model.gguf", GgufWriter.Of(original).ToBytes()));
        Assert.Equal(original.Config.EosTokenIds, converted.Config.EosTokenIds);
        Assert.Equal(original.Config.BosTokenId, converted.Config.BosTokenId);
        Assert.Equal(original.Generation.EosTokenIds, converted.Generation.EosTokenIds);
        Assert.Equal(original.Generation.DoSample, converted.Generation.DoSample);
        Assert.True(converted.Text.Template.IsKnownTemplate);
        (QwenTokenizer a, QwenTokenizer b) = (original.Text.RequireTokenizer(), converted.Text.RequireTokenizer());
        Assert.Equal(a.SpecialTokens, b.SpecialTokens);
        foreach (string text in s_texts)
        {
            foreach (bool special in (bool[])[false, true])
            {
                int[] ids = a.Encode(text, special);
                Assert.Equal(ids, b.Encode(text, special));
                Assert.Equal(a.Decode(ids, skipSpecial: true), b.Decode(ids, skipSpecial: true));
            }
        }
    }

    [Fact]
    public void Open_version_2_is_read_as_3()
    {
        using TempFolder folder = new();
        using HuggingFaceFolder original = HuggingFaceFolder.Open(TestData.Path("hf/dense-tied-f32"));
        byte[] bytes = GgufWriter.Of(original).ToBytes();
        bytes[4] = 2;
        using GgufModel converted = GgufModel.Open(folder.Write("model.gguf", bytes));
        AssertSame(original.Config, converted.Config);
    }

    [Fact]
    public void Get_unknown_name_or_after_dispose_is_refused()
    {
        GgufModel model = GgufModel.Open(LlamaCppGolden.PathOf("tiny-dense-f32"));
        Assert.Throws<ArgumentException>(() => model.Get("lm_head.weight"));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Get("model.norm.weight"));
        Assert.Throws<ObjectDisposedException>(() => model.Text.Tokenizer);
    }

    private static void AssertSame(Qwen3Config expected, Qwen3Config actual)
    {
        // The records' own equality knows no contents of lists; the ids come with a tokenizer.
        static Qwen3Config Scalars(Qwen3Config c) => c with { Windows = [], SparseLayers = [], EosTokenIds = [], BosTokenId = null };
        Assert.Equal(Scalars(expected), Scalars(actual));
        Assert.Equal(expected.Windows, actual.Windows);
        Assert.Equal(expected.SparseLayers, actual.SparseLayers);
    }
}
