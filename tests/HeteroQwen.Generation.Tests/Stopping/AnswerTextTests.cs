using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation.Tests;

public sealed class AnswerTextTests
{
    private static readonly QwenTokenizer s_tokenizer = ModelSource.OpenText("tiny").RequireTokenizer();
    private readonly List<(string Text, int Id)> _parts = [];

    [Theory]
    [InlineData("one two STOP three", "one two ", "STOP")]
    [InlineData("one two three", "one", " two", "three")]
    [InlineData("aab aaab aaaab", "aab aaab ", "aaaa")]
    [InlineData("abcabcabd", "abc", "abcabd")]
    [InlineData("xabcd", "xa", "abcde", "bc")]
    [InlineData("xabcd", "x", "cd", "abcd")]
    [InlineData("x", "", "x")]
    [InlineData("世界和平，世界", "世", "界和")]
    [InlineData("a 😁😀 b", "a 😁", "😀")]
    [InlineData("é è ê", "é ", "è")]
    [InlineData("line\n\nnext", "line", "\n\n")]
    public void Text_ends_before_the_first_stop_string_however_it_is_cut_into_tokens(string text, string expected, params string[] stops)
    {
        foreach (int size in (int[])[1, 2, 3, text.Length])
        {
            _parts.Clear();
            AnswerText answer = New(stops);
            int[] ids = Ids(text, size);
            int used = ids.TakeWhile(id => !answer.Append(id)).Count() + 1;
            Assert.True(answer.IsStopped && used <= ids.Length);
            Assert.Equal(expected, string.Concat(_parts.Select(p => p.Text)));
            answer.Finish();
            Assert.Equal(expected, answer.ToString());
            Assert.Equal(expected, string.Concat(_parts.Select(p => p.Text)));
        }
    }

    [Theory]
    [InlineData("one two three", "four")]
    [InlineData("STO STO", "STOP")]
    [InlineData("😁😁", "😀")]
    public void Text_without_a_stop_string_is_whole(string text, string stop)
    {
        AnswerText answer = New(stop);
        Assert.DoesNotContain(true, Ids(text, 1).Select(answer.Append));
        answer.Finish();
        Assert.Equal(text, answer.ToString());
        Assert.Equal(text, string.Concat(_parts.Select(p => p.Text)));
    }

    [Fact]
    public void What_may_be_the_beginning_of_a_stop_string_waits_and_comes_with_its_own_tokens()
    {
        AnswerText answer = New("abcabd");
        int[] ids = Ids("xabcabcy", 1);
        string[] seen = [.. ids.Select(id =>
        {
            answer.Append(id);
            return string.Concat(_parts.Select(p => p.Text));
        })];
        Assert.Equal(["x", "x", "x", "x", "x", "x", "xabc", "xabcabcy"], seen);
        Assert.Equal(ids, _parts.Select(p => p.Id));
    }

    [Fact]
    public void Held_back_text_comes_at_the_end()
    {
        AnswerText answer = New("STOP");
        Assert.All(Ids("a STO", 1), id => answer.Append(id));
        Assert.Equal("a ", answer.ToString());
        answer.Finish();
        answer.Finish();
        Assert.Equal("a STO", answer.ToString());
    }

    [Fact]
    public void Text_is_what_decoding_at_once_gives_control_tokens_and_broken_characters_included()
    {
        int[] broken = [.. s_tokenizer.Encode("😀", allowSpecial: false)[..^1]];
        int[] end = s_tokenizer.Encode("<|im_end|>", allowSpecial: true);
        int[] ids = [.. s_tokenizer.Encode("<think>\n日本</think>", allowSpecial: true), .. broken, .. end, .. broken];
        AnswerText answer = New();
        Assert.All(ids, id => answer.Append(id));
        answer.Finish();
        Assert.Equal(s_tokenizer.Decode(ids), answer.ToString());
        Assert.Equal(answer.ToString(), string.Concat(_parts.Select(p => p.Text)));

        // Who leaves control tokens out must not lose what stands before them.
        Assert.Equal("<|im_end|>", Assert.Single(_parts, p => p.Id == end[0]).Text);
    }

    [Fact]
    public void Stop_string_may_be_a_control_token() => Assert.Equal("hi", Stopped("hi<|im_end|>", "<|im_end|>"));

    [Fact]
    public void Random_texts_are_cut_where_a_plain_search_cuts_them()
    {
        Random random = new(23);
        for (int i = 0; i < 2000; i++)
        {
            string text = Letters(random, 30);
            string[] stops = [Letters(random, random.Next(1, 6)), Letters(random, random.Next(1, 6))];
            int end = Enumerable.Range(0, text.Length + 1)
                .FirstOrDefault(e => stops.Any(s => text[..e].EndsWith(s, StringComparison.Ordinal)), -1);
            string expected = end < 0 ? text
                : text[..(end - stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).Max(s => s.Length))];
            Assert.Equal(expected, Stopped(text, stops));
        }

        static string Letters(Random random, int length) => string.Concat(Enumerable.Range(0, length).Select(_ => "ab"[random.Next(2)]));
    }

    [Fact]
    public void Empty_stop_string_is_refused() =>
        Assert.Contains("empty", Assert.Throws<UserErrorException>(() => New("a", "")).Message, StringComparison.Ordinal);

    private AnswerText New(params string[] stops) => new(s_tokenizer, stops, (text, id) => _parts.Add((text, id)));

    private string Stopped(string text, params string[] stops)
    {
        AnswerText answer = New(stops);
        _ = s_tokenizer.Encode(text, allowSpecial: true).Any(answer.Append);
        answer.Finish();
        return answer.ToString();
    }

    /// <summary>Tokens of pieces of so many characters each, so that borders fall anywhere.</summary>
    private static int[] Ids(string text, int size) =>
        [.. text.EnumerateRunes().Chunk(size).SelectMany(c => s_tokenizer.Encode(string.Concat(c), allowSpecial: false))];
}
