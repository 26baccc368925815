using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>How much of a text stands at the end of what was read so far: Knuth, Morris and Pratt's automaton.</summary>
internal sealed class StopString
{
    private readonly string _text;

    /// <summary>Of the first i + 1 characters, how many at their end are also their beginning (but not all).</summary>
    private readonly int[] _borders;

    public StopString(string text)
    {
        if (string.IsNullOrEmpty(text))
        {
            throw new UserErrorException("a stop string is empty, which would end the answer before it begins; give at least one character");
        }

        (_text, _borders) = (text, new int[text.Length]);
        for (int i = 1; i < text.Length; i++)
        {
            _borders[i] = Next(_borders[i - 1], text[i]);
        }
    }

    /// <summary>The most characters of its beginning that end what was read.</summary>
    public int Matched { get; private set; }

    /// <summary>Reads a character, and says whether the whole text stands at the end now.</summary>
    public bool Advance(char next)
    {
        Matched = Next(Matched == _text.Length ? _borders[^1] : Matched, next);
        return Matched == _text.Length;
    }

    private int Next(int matched, char next)
    {
        while (matched > 0 && _text[matched] != next)
        {
            matched = _borders[matched - 1];
        }

        return _text[matched] == next ? matched + 1 : 0;
    }
}
