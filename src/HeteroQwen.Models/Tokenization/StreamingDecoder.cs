using System.Runtime.InteropServices;
using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// Turns ids into text one by one without ever splitting a character: bytes of an unfinished character wait for the next id.
/// All that it returned, and what <see cref="Flush"/> returns, is the text that decoding the ids at once gives.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly QwenTokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<byte> _bytes = [];

    internal StreamingDecoder(QwenTokenizer tokenizer, bool skipSpecial)
    {
        _tokenizer = tokenizer;
        _skipSpecial = skipSpecial;
    }

    /// <summary>
    /// The text that this id completes, often empty. An id that has no token gives no text, as in Hugging Face: a model's
    /// embedding may have more rows than its tokenizer has tokens.
    /// </summary>
    public string Append(int id)
    {
        _bytes.Clear();
        _tokenizer.AppendBytes(id, _skipSpecial, _bytes);
        return Convert(flush: false);
    }

    /// <summary>The rest: U+FFFD if the last character is unfinished, else nothing.</summary>
    public string Flush()
    {
        _bytes.Clear();
        return Convert(flush: true);
    }

    private string Convert(bool flush)
    {
        var bytes = CollectionsMarshal.AsSpan(_bytes);
        var chars = new char[_utf8.GetCharCount(bytes, flush)];
        return new string(chars, 0, _utf8.GetChars(bytes, chars, flush));
    }
}
