using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// A rendered prompt. <paramref name="Protected"/> are the stretches that came from messages and tools, in order: there the
/// spelling of a control token is text.
/// </summary>
public sealed record RenderedChat(string Text, IReadOnlyList<TextSpan> Protected)
{
    public int[] Encode(QwenTokenizer tokenizer) => tokenizer.Encode(Text, Protected);
}

/// <summary>Builds a <see cref="RenderedChat"/>, keeping the template's own text apart from what others wrote.</summary>
internal sealed class ChatWriter
{
    private readonly StringBuilder _text = new();
    private readonly List<TextSpan> _spans = [];

    public ChatWriter Template(string text)
    {
        _text.Append(text);
        return this;
    }

    public ChatWriter Content(ReadOnlySpan<char> text)
    {
        if (text.Length > 0)
            _spans.Add(new TextSpan(_text.Length, text.Length));
        _text.Append(text);
        return this;
    }

    public RenderedChat ToRendered() => new(_text.ToString(), _spans);
}
