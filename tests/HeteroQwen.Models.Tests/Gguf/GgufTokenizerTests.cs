using System.Text;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Damaged and foreign tokenizers in GGUF files: one sentence, and only when the tokenizer is asked for.</summary>
public sealed class GgufTokenizerTests
{
    private const string Prefix = "tokenizer.ggml.";
    private static readonly Lazy<(string[] Tokens, int[] Types, string[] Merges)> s_golden = new(ReadGolden);
    private static readonly Lazy<QwenTokenizer> s_qwen3 = new(ReadQwen3);

    public static TheoryData<string, object?, string> Values => new()
    {
        // the key, its new value (null: none), and what the message names
        { "model", "llama", "gpt2" },
        { "pre", "default", "qwen2" },
        { "pre", null, "missing" },
        { "add_bos_token", true, "true" },
        { "tokens", null, "missing" },
        { "tokens", new[] { 1 }, "an array of texts" },
        { "tokens", new[] { "a", "a" }, "'a' twice" },
        { "tokens", new[] { "a" }, "as long as tokens" },
        { "tokens", Array.Empty<string>(), "as long as tokens" },
        { "token_type", null, "missing" },
        { "token_type", Array.Empty<int>(), "as long as tokens" },
        { "token_type", Enumerable.Repeat(5, 512).ToArray(), "byte" },
        { "token_type", Enumerable.Repeat(6, 512).ToArray(), "type 6" },
        { "token_type", Enumerable.Repeat(1u, 512).ToArray(), "32-bit" },
        { "merges", null, "missing" },
        { "merges", new[] { "a" }, "pair" },
        { "merges", new[] { "a b c" }, "pair" },
        { "merges", new[] { "absent a" }, "'absent'" },
        { "merges", new[] { "e r", "e r" }, "twice" },
    };

    private static (string[] Tokens, int[] Types, string[] Merges) ReadGolden()
    {
        using GgufFile file = GgufFile.Open(LlamaCppGolden.PathOf("tiny-dense-f32"));
        IEnumerable<GgufValue> Items(string key) => file.Items(file.Metadata[Prefix + key]);
        string[] Texts(string key) => [.. Items(key).Select(t => Encoding.UTF8.GetString(file.Utf8(t)))];
        return (Texts("tokens"), [.. Items("token_type").Select(t => (int)file.Integer(t)!)], Texts("merges"));
    }

    /// <summary>Only a tokenizer: <see cref="ModelSource.OpenText"/> needs no model.</summary>
    private static GgufWriter Golden() => Golden(new GgufWriter());

    private static GgufWriter Golden(GgufWriter writer) => writer.Set(Prefix + "model", "gpt2").Set(Prefix + "pre", "qwen2")
        .Set(Prefix + "tokens", s_golden.Value.Tokens)
        .Set(Prefix + "token_type", s_golden.Value.Types).Set(Prefix + "merges", s_golden.Value.Merges);

    private static ModelText Open(GgufWriter writer)
    {
        using TempFolder folder = new();
        return ModelSource.OpenText(folder.Write("x.gguf", writer.ToBytes()));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void OpenText_wrong_value_is_refused_by_name(string key, object? value, string named)
    {
        ModelText text = Open(value is null ? Golden().Remove(Prefix + key) : Golden().Set(Prefix + key, value));
        Assert.False(text.Template.IsKnownTemplate);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => text.Tokenizer), "x.gguf", named);
    }

    [Theory]
    [InlineData("tokenizer-vectors.json")]
    [InlineData("tokenizer-fuzz.json")]
    public void Encode_with_the_tokenizer_of_all_Qwen3_models_gives_the_ids_of_Hugging_Face(string file)
    {
        QwenTokenizer tokenizer = s_qwen3.Value;
        Assert.All(TokenizerData.ReadJson(TokenizerData.PathOf(file)).EnumerateArray(), vector =>
        {
            Assert.Equal(vector.Ids("ids"), tokenizer.Encode(vector.Text("text"), allowSpecial: true));
            Assert.Equal(vector.Text("decoded_skip_special"), tokenizer.Decode(vector.Ids("ids"), skipSpecial: true));
        });
    }

    private static QwenTokenizer ReadQwen3()
    {
        GgufWriter writer = new();
        using RandomModel model = RandomModel.Open("random:qwen3-0.6b");
        GgufTokenizerMetadata.Add(model, (key, value) => writer.Set(key, value), []);
        return Open(writer).RequireTokenizer();
    }

    [Fact]
    public void OpenText_token_that_is_no_UTF8_is_refused()
    {
        using TempFolder folder = new();
        byte[] bytes = Golden().ToBytes();
        bytes[bytes.AsSpan().IndexOf("<|im_end|>"u8)] = 0xff;
        string path = folder.Write("x.gguf", bytes);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => ModelSource.OpenText(path).Tokenizer), path, "text 511", "UTF-8");
    }

    [Fact]
    public void OpenText_unused_tokens_have_no_token_and_user_defined_are_not_special()
    {
        (string[] tokens, int[] types, _) = s_golden.Value;
        GgufWriter writer = Golden().Set(Prefix + "tokens", (string[])[.. tokens, "<think>", "[PAD513]"]);
        QwenTokenizer tokenizer = Open(writer.Set(Prefix + "token_type", (int[])[.. types, 4, 5])).RequireTokenizer();
        Assert.Equal([512], tokenizer.Encode("<think>", allowSpecial: false));
        Assert.False(tokenizer.IsSpecial(512));
        Assert.Throws<UserErrorException>(() => tokenizer.Decode([513]));
    }

    [Fact]
    public void OpenText_without_tokenizer_or_template_says_so_only_when_asked()
    {
        ModelText text = Open(new GgufWriter().Set("general.architecture", "qwen3"));
        Assert.Null(text.Tokenizer);
        Sentence.AssertNames(Assert.Throws<UserErrorException>(text.RequireTokenizer), "x.gguf", "--tokens");
        Assert.Contains("tokenizer.chat_template", text.Template.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void BeginTokenizer_of_a_model_that_is_closed_at_once_reads_to_the_end_first(string kind)
    {
        using TempFolder folder = new();
        using HuggingFaceFolder source = HuggingFaceFolder.Open(TestData.Path("hf/dense-tied-f32"));
        string path = folder.Write("x.gguf", Golden(GgufWriter.Of(source)).Set(Prefix + "model", kind).ToBytes());
        for (int i = 0; i < 20; i++)
        {
            GgufModel model = GgufModel.Open(path);
            model.Text.BeginTokenizer();
            model.Dispose();
            if (kind == "gpt2")
            {
                Assert.Equal(512, model.Text.RequireTokenizer().VocabularySize);
            }
            else
            {
                Sentence.AssertNames(Assert.Throws<UserErrorException>(() => model.Text.Tokenizer), path, "llama");
            }
        }
    }

    [Fact]
    public void Open_a_model_with_a_foreign_tokenizer_fails_only_when_it_is_asked_for()
    {
        using TempFolder folder = new();
        using HuggingFaceFolder source = HuggingFaceFolder.Open(TestData.Path("hf/dense-tied-f32"));
        using GgufModel model = GgufModel.Open(folder.Write("x.gguf", GgufWriter.Of(source).Set(Prefix + "model", "llama").ToBytes()));
        Assert.Throws<UserErrorException>(() => model.Text.Tokenizer);
    }
}
