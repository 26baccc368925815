using System.Globalization;
using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// Splits text as Qwen's <see cref="Pattern"/> does, in linear time. Written by hand because .NET's Regex
/// sees UTF-16 units, so that <c>\p{L}</c> is false for letters beyond U+FFFF.
/// </summary>
internal static class QwenSplitter
{
    public const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private enum CharClass
    {
        Letter,
        Number,
        Space,
        Other,
    }

    /// <summary>The length of the word at the start of a text that is not empty; the branches stand in the pattern's order.</summary>
    public static int WordLength(ReadOnlySpan<char> text)
    {
        var contraction = ContractionLength(text);
        if (contraction > 0)
            return contraction;

        var kind = Classify(text, out var length);
        if (kind == CharClass.Letter)
            return RunLength(text, CharClass.Letter);
        if (kind == CharClass.Number)
            return length;
        var rest = text[length..];
        if (text[0] is not ('\r' or '\n') && StartsWith(rest, CharClass.Letter))
            return length + RunLength(rest, CharClass.Letter);

        if (kind == CharClass.Other)
            return PunctuationLength(text);
        if (text[0] == ' ' && StartsWith(rest, CharClass.Other))
            return 1 + PunctuationLength(rest);
        return SpaceLength(text);
    }

    /// <summary>The long s (U+017F) is an s without regard to case; no other character beyond ASCII is one of these letters.</summary>
    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || text[0] != '\'')
            return 0;
        var next = text.Length > 2 ? text[2] | 0x20 : 0;
        return text[1] switch
        {
            's' or 'S' or '\u017F' or 't' or 'T' or 'm' or 'M' or 'd' or 'D' => 2,
            'r' or 'R' or 'v' or 'V' when next == 'e' => 3,
            'l' or 'L' when next == 'l' => 3,
            _ => 0,
        };
    }

    private static int PunctuationLength(ReadOnlySpan<char> text)
    {
        var length = RunLength(text, CharClass.Other);
        while (length < text.Length && text[length] is '\r' or '\n')
            length++;
        return length;
    }

    /// <summary>White space up to its last line break; without one, all at the end of the text, else all but its last character.</summary>
    private static int SpaceLength(ReadOnlySpan<char> text)
    {
        var length = RunLength(text, CharClass.Space);
        var lineBreak = text[..length].LastIndexOfAny('\r', '\n');
        if (lineBreak >= 0)
            return lineBreak + 1;
        return length == text.Length || length == 1 ? length : length - 1;
    }

    private static bool StartsWith(ReadOnlySpan<char> text, CharClass kind) => text.Length > 0 && Classify(text, out _) == kind;

    private static int RunLength(ReadOnlySpan<char> text, CharClass kind)
    {
        var length = 0;
        while (length < text.Length && Classify(text[length..], out var step) == kind)
            length += step;
        return length;
    }

    private static CharClass Classify(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        if (Rune.IsWhiteSpace(rune))
            return CharClass.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => CharClass.Letter,
            >= UnicodeCategory.DecimalDigitNumber and <= UnicodeCategory.OtherNumber => CharClass.Number,
            _ => CharClass.Other,
        };
    }
}
