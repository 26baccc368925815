using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

/// <summary>Damaged and foreign files: one sentence that names the file, whatever is in it.</summary>
public sealed class TokenizerJsonTests
{
    public static TheoryData<string, string, string> Changes => new()
    {
        // path of the property, its new JSON, and what the message must name
        { "model", "[]", "model is no JSON object" },
        { "model.type", "\"WordPiece\"", "WordPiece" },
        { "model.type", "7", "7" },
        { "model.unk_token", "\"<unk>\"", "unk_token" },
        { "model.dropout", "0.1", "dropout" },
        { "model.byte_fallback", "true", "byte_fallback" },
        { "model.ignore_merges", "true", "ignore_merges" },
        { "model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix" },
        { "model.vocab", "[]", "model.vocab" },
        { "model.vocab", "{}", "byte" },
        { "model.vocab.a", "\"1\"", "'a'" },
        { "model.vocab.a", "-1", "'a'" },
        { "model.vocab.a", "1.5", "'a'" },
        { "model.vocab.a", "2147483647", "'a'" },
        { "model.vocab.a", "99999999999999999999", "'a'" },
        { "model.vocab.a", "65", "65" },
        { "model.merges", "{}", "model.merges" },
        { "model.merges", "[\"a\"]", "pair" },
        { "model.merges", "[\"a b c\"]", "pair" },
        { "model.merges", "[[\"a\"]]", "pair" },
        { "model.merges", "[[\"e r\"]]", "pair" },
        { "model.merges", "[[\"e\", \"r \"]]", "pair" },
        { "model.merges", "[[\"a\", 1]]", "pair" },
        { "model.merges", "[3]", "pair" },
        { "model.merges", "[[\"a\", \"absent\"]]", "'absent'" },
        { "model.merges", "[\"z q\"]", "'zq'" },
        { "model.merges", "[\"e r\", \"e r\"]", "twice" },
        { "model.merges", "[\"a\\u001b[31m\\n b\"]", "a?[31m?" },
        { "normalizer", "null", "null" },
        { "normalizer", "{\"type\": \"NFKC\"}", "NFKC" },
        { "pre_tokenizer", "{\"type\": \"Whitespace\"}", "Whitespace" },
        { "pre_tokenizer.pretokenizers", "[]", "Sequence" },
        { "pre_tokenizer.pretokenizers.0.pattern.Regex", "\"\\\\s+\"", "pattern" },
        { "pre_tokenizer.pretokenizers.0.behavior", "\"Removed\"", "Removed" },
        { "pre_tokenizer.pretokenizers.0.invert", "true", "invert" },
        { "pre_tokenizer.pretokenizers.1.use_regex", "true", "use_regex" },
        { "pre_tokenizer.pretokenizers.1.add_prefix_space", "true", "add_prefix_space" },
        { "post_processor", "{\"type\": \"TemplateProcessing\", \"special_tokens\": {\"<s>\": {}}}", "TemplateProcessing" },
        { "decoder", "{\"type\": \"WordPiece\"}", "WordPiece" },
        { "model.type", $"\"{new string('x', 100_000)}\"", "xxx..." },
        { "decoder", "null", "decoder" },
        { "added_tokens", "3", "added_tokens" },
        { "added_tokens.0", "null", "added_tokens" },
        { "added_tokens.0.content", "\"\"", "content" },
        { "added_tokens.0.content", "\"<think>\"", "<think>" },
        { "added_tokens.0.id", "1511", "1511" },
        { "added_tokens.0.id", "3000000000", "<|endoftext|>" },
        { "added_tokens.0.special", "\"yes\"", "special" },
        { "added_tokens.0.normalized", "true", "normalized" },
        { "added_tokens.0.lstrip", "true", "lstrip" },
        { "added_tokens.0.content", "\"\\ud800\"", "Unicode" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Load_a_changed_file_is_refused_by_name(string path, string value, string named)
        => AssertRefused(Change(path, value), named);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("\u0001\u0002")]
    public void Load_something_else_is_refused(string json) => AssertRefused(Encoding.UTF8.GetBytes(json), "tokenizer");

    [Fact]
    public void Load_every_truncation_is_refused()
    {
        var file = File.ReadAllBytes(TokenizerData.TinyTokenizerPath);
        for (var length = 0; length < file.Length - 1; length += 4999)
            AssertRefused(file[..length], "JSON");
    }

    [Fact]
    public void Load_deep_nesting_is_refused()
        => AssertRefused(Encoding.UTF8.GetBytes("{\"model\":" + new string('[', 1_000_000)), "JSON");

    [Fact]
    public void Load_merges_in_both_forms_gives_the_same_ids()
    {
        var pairs = JsonNode.Parse(File.ReadAllText(TokenizerData.TinyTokenizerPath))!["model"]!["merges"]!.AsArray();
        var strings = new JsonArray([.. pairs.Select(pair => (JsonNode)$"{pair![0]} {pair[1]}")]);
        using var file = new MemoryStream(Change("model.merges", strings.ToJsonString()));
        var other = QwenTokenizer.Load(file, "changed");
        const string Text = "Tell me a story about a kind panda named Tom.\n\n请计算 48 + 8。";
        Assert.Equal(TokenizerData.Tiny.Encode(Text, allowSpecial: true), other.Encode(Text, allowSpecial: true));
    }

    [Fact]
    public void Load_a_missing_file_or_a_folder_names_it()
    {
        foreach (var path in (string[])[Path.Combine(AppContext.BaseDirectory, "absent.json"), AppContext.BaseDirectory])
            Assert.Contains(path, Assert.Throws<UserErrorException>(() => QwenTokenizer.Load(path)).Message);
    }

    [Fact]
    public void Load_a_damaged_gz_names_it()
    {
        var path = Path.Combine(Path.GetTempPath(), $"heteroqwen-{Guid.NewGuid():N}.json.gz");
        var zipped = File.ReadAllBytes(BundledModels.Qwen3TokenizerPath);
        try
        {
            foreach (var bytes in (byte[][])["no gzip"u8.ToArray(), zipped[..100_000], []])
            {
                File.WriteAllBytes(path, bytes);
                Assert.Contains(path, Assert.Throws<UserErrorException>(() => QwenTokenizer.Load(path)).Message);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_a_gz_that_unpacks_without_end_is_refused()
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            var spaces = new byte[1 << 20];
            spaces.AsSpan().Fill((byte)' ');
            for (var i = 0; i < 300; i++)
                gzip.Write(spaces);
        }
        zipped.Position = 0;
        using var unzipped = new GZipStream(zipped, CompressionMode.Decompress);
        Assert.Contains("MiB", Assert.Throws<UserErrorException>(() => QwenTokenizer.Load(unzipped, "bomb.gz")).Message);
    }

    private static void AssertRefused(byte[] json, string named)
    {
        using var file = new MemoryStream(json);
        var error = Assert.Throws<UserErrorException>(() => QwenTokenizer.Load(file, "some/tokenizer.json"));
        Assert.Contains("some/tokenizer.json", error.Message);
        Assert.Contains(named, error.Message);
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.True(error.Message.Length < 400, error.Message);
        Assert.EndsWith(".", error.Message);
    }

    /// <summary>The bundled file with one value replaced as text: the new value need not be one that a parser keeps.</summary>
    private static byte[] Change(string path, string value)
    {
        const string Placeholder = "\"@@changed@@\"";
        var root = JsonNode.Parse(File.ReadAllText(TokenizerData.TinyTokenizerPath))!;
        var keys = path.Split('.');
        var owner = keys[..^1].Aggregate(root, (node, key) => int.TryParse(key, out var i) ? node[i]! : node[key]!);
        var replaced = JsonNode.Parse(Placeholder);
        if (int.TryParse(keys[^1], out var index))
            owner[index] = replaced;
        else
            owner[keys[^1]] = replaced;
        return Encoding.UTF8.GetBytes(root.ToJsonString().Replace(Placeholder, value));
    }
}
