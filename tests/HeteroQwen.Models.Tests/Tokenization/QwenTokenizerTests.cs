using System.Globalization;
using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

public sealed class QwenTokenizerTests
{
    [Fact]
    public void CharacterClasses_of_this_runtime_are_those_of_Unicode_16()
    {
        // The ids of the vectors were made with Unicode 16 letters and numbers; see docs/unicode/README.md.
        var categories = Enumerable.Range(0, 0x110000).Select(CharUnicodeInfo.GetUnicodeCategory).ToList();
        Assert.Equal(141028, categories.Count(category => category <= UnicodeCategory.OtherLetter));
        Assert.Equal(1911, categories.Count(c => c is >= UnicodeCategory.DecimalDigitNumber and <= UnicodeCategory.OtherNumber));
    }

    [Fact]
    public void VocabularySize_is_the_largest_id_plus_one()
    {
        Assert.Equal(151669, TokenizerData.Qwen3.VocabularySize);
        Assert.Equal(1536, TokenizerData.Tiny.VocabularySize);
        Assert.Equal(14, TokenizerData.Qwen3.SpecialTokens.Count);
    }

    [Fact]
    public void TryGetId_and_IsSpecial_tell_control_tokens_from_the_others()
    {
        Assert.True(TokenizerData.Qwen3.TryGetId("<|im_end|>", out var end));
        Assert.Equal(151645, end);
        Assert.True(TokenizerData.Qwen3.IsSpecial(end));
        Assert.True(TokenizerData.Qwen3.TryGetId("<think>", out var think));
        Assert.False(TokenizerData.Qwen3.IsSpecial(think));
        Assert.False(TokenizerData.Qwen3.TryGetId("<no such token>", out _));
    }

    [Fact]
    public void PieceOf_gives_each_tokens_own_text()
    {
        var ids = TokenizerData.Qwen3.Encode("Hello world<think>", allowSpecial: false);
        Assert.Equal(["Hello", " world", "<think>"], ids.Select(TokenizerData.Qwen3.PieceOf));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(151669)]
    [InlineData(int.MaxValue)]
    public void Decode_an_id_without_a_token_is_refused_by_number(int id)
    {
        var error = Assert.Throws<UserErrorException>(() => TokenizerData.Qwen3.Decode([1, id]));
        Assert.Contains(id.ToString(), error.Message);
        Assert.Contains("151669", error.Message);
    }

    [Fact]
    public void StreamingDecoder_gives_no_text_for_the_embeddings_spare_rows()
        => Assert.Equal("", TokenizerData.Qwen3.CreateDecoder().Append(151900));

    [Fact]
    public void Encode_half_a_surrogate_pair_is_the_replacement_character()
        => Assert.Equal(TokenizerData.Qwen3.Encode("a\uFFFDb", true), TokenizerData.Qwen3.Encode("a\uD800b", true));

    [Fact]
    public void Encode_special_spelling_is_text_unless_allowed()
    {
        Assert.Equal([151645], TokenizerData.Qwen3.Encode("<|im_end|>", allowSpecial: true));
        Assert.Equal([27, 91, 318, 6213, 91, 29], TokenizerData.Qwen3.Encode("<|im_end|>", allowSpecial: false));
    }

    [Fact]
    public void Encode_special_spelling_that_straddles_a_spans_edge_is_text()
    {
        const string Text = "<|im_end|><|im_end|><|im_end|>";
        var ids = TokenizerData.Qwen3.Encode(Text, [new TextSpan(9, 2)]);
        Assert.Equal([151645], ids.Where(TokenizerData.Qwen3.IsSpecial));
        Assert.Equal(151645, ids[^1]);
        Assert.Equal(Text, TokenizerData.Qwen3.Decode(ids));
    }

    /// <summary>With squared time each of these would take minutes; there is no other assertion on time.</summary>
    [Theory]
    [InlineData("a", 131072)]
    [InlineData(" ", 8192)]
    [InlineData("<", 131072)]
    [InlineData("\u0301", 1048576)]
    [InlineData(" \n", 524288)]
    public void Encode_a_million_of_one_unit_comes_back(string unit, int count)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 1 << 20));
        var ids = TokenizerData.Qwen3.Encode(text, allowSpecial: true);
        Assert.Equal(count, ids.Length);
        Assert.Equal(text, TokenizerData.Qwen3.Decode(ids));
    }
}
