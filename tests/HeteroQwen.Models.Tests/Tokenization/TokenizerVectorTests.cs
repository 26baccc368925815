using System.Security.Cryptography;
using System.Text.Json;

namespace HeteroQwen.Models.Tests;

/// <summary>Exactly what Hugging Face tokenizers 0.23 gives; Data/README.md tells where the files come from.</summary>
public sealed class TokenizerVectorTests
{
    [Theory]
    [InlineData("tokenizer-vectors.json", 244)]
    [InlineData("tokenizer-fuzz.json", 400)]
    public void Encode_every_vector_gives_its_ids(string file, int count)
    {
        var vectors = Vectors(file);
        Assert.Equal(count, vectors.Length);
        Assert.All(vectors, vector => Assert.Equal(vector.Ids("ids"), TokenizerData.Qwen3.Encode(vector.Text("text"), allowSpecial: true)));
    }

    [Theory]
    [InlineData("tokenizer-vectors.json")]
    [InlineData("tokenizer-fuzz.json")]
    [InlineData("tokenizer-decode.json")]
    public void Decode_every_vector_gives_its_text(string file) => Assert.All(Vectors(file), vector =>
    {
        Assert.Equal(vector.Text("decoded"), TokenizerData.Qwen3.Decode(vector.Ids("ids")));
        Assert.Equal(vector.Text("decoded_skip_special"), TokenizerData.Qwen3.Decode(vector.Ids("ids"), skipSpecial: true));
    });

    [Theory]
    [InlineData("tokenizer-vectors.json")]
    [InlineData("tokenizer-fuzz.json")]
    [InlineData("tokenizer-decode.json")]
    public void StreamingDecoder_every_vector_adds_up_to_its_text(string file) => Assert.All(Vectors(file), vector =>
    {
        Assert.Equal(vector.Text("decoded"), Stream(vector.Ids("ids"), skipSpecial: false));
        Assert.Equal(vector.Text("decoded_skip_special"), Stream(vector.Ids("ids"), skipSpecial: true));
    });

    [Fact]
    public void Encode_long_words_gives_the_ids_of_Hugging_Face()
    {
        foreach (var vector in Vectors("tokenizer-long.json"))
        {
            var text = string.Concat(Enumerable.Repeat(vector.Text("unit"), vector.GetProperty("times").GetInt32()));
            var ids = TokenizerData.Qwen3.Encode(text, allowSpecial: true);
            Assert.Equal(vector.GetProperty("count").GetInt32(), ids.Length);
            var bytes = ids.SelectMany(BitConverter.GetBytes).ToArray();
            Assert.Equal(vector.Text("sha256_of_ids_as_i32"), Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }
    }

    [Fact]
    public void StreamingDecoder_never_splits_a_character()
    {
        var decoder = TokenizerData.Qwen3.CreateDecoder();
        var ids = TokenizerData.Qwen3.Encode("𠀀😀𠀁", allowSpecial: false);
        var parts = ids.Select(decoder.Append).ToArray();
        Assert.True(ids.Length > 3);
        Assert.Equal(["𠀀", "😀", "𠀁"], parts.Where(part => part.Length > 0));
        Assert.Equal("", decoder.Flush());
    }

    private static string Stream(int[] ids, bool skipSpecial)
    {
        var decoder = TokenizerData.Qwen3.CreateDecoder(skipSpecial);
        return string.Concat(ids.Select(decoder.Append)) + decoder.Flush();
    }

    private static JsonElement[] Vectors(string file) => [.. TokenizerData.ReadJson(TokenizerData.PathOf(file)).EnumerateArray()];
}
