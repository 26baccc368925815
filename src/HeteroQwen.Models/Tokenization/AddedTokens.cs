using System.Buffers;

namespace HeteroQwen.Models;

/// <summary>A token that is found in the text before it is normalised and split; a special one is a control token.</summary>
internal readonly record struct AddedToken(string Content, int Id, bool IsSpecial);

/// <summary>Finds added tokens as Hugging Face does: the leftmost, and of those that begin at one place the longest.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;
    private readonly SearchValues<char> _firsts;

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        _byFirst = tokens.GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
        _firsts = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>
    /// Finds the first token at or after <paramref name="from"/>. A special one counts only if it touches no protected span;
    /// <paramref name="span"/> is the first span that may end after the place searched, and moves on with it.
    /// </summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, IReadOnlyList<TextSpan> spans, ref int span, out int at, out AddedToken found)
    {
        for (at = from; at < text.Length; at++)
        {
            var step = text[at..].IndexOfAny(_firsts);
            if (step < 0)
                break;
            at += step;
            while (span < spans.Count && spans[span].End <= at)
                span++;
            var free = span < spans.Count ? spans[span].Start - at : int.MaxValue;
            foreach (var token in _byFirst[text[at]])
            {
                if ((!token.IsSpecial || token.Content.Length <= free) && text[at..].StartsWith(token.Content, StringComparison.Ordinal))
                {
                    found = token;
                    return true;
                }
            }
        }
        found = default;
        return false;
    }
}
