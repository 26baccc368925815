namespace HeteroQwen.Models;

/// <summary>
/// The texts of an array in a GGUF file, as bytes in the file's mapping. A struct, which a loop over 150 000 of them compiles into
/// itself: an iterator would take longer than what is done with them.
/// </summary>
internal struct GgufTexts(GgufFile file, GgufValue array)
{
    private long _next = array.Offset;
    private long _left = array.Count;
    private GgufValue _current;

    public readonly long Count => array.Count;

    public readonly GgufTexts GetEnumerator() => this;

    public readonly ReadOnlySpan<byte> Current => file.Utf8(_current);

    public bool MoveNext()
    {
        if (--_left < 0)
        {
            return false;
        }

        _current = file.TextAt(_next);
        _next = _current.Offset + _current.Count;
        return true;
    }
}
