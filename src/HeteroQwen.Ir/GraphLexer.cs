using System.Globalization;
using System.Text;

namespace HeteroQwen.Ir;

internal enum TokenKind
{
    /// <summary>Letters, digits, '_' and '.', a letter first: a keyword, an op, a type, an attribute.</summary>
    Word,

    /// <summary>A word of any start after '%'; the text is without it.</summary>
    Value,

    /// <summary>The text is as written.</summary>
    Number,

    /// <summary>The text is what stands between the quotes, escapes resolved.</summary>
    Text,

    /// <summary>One character, such as '{'.</summary>
    Symbol,

    End,
}

internal readonly record struct Token(TokenKind Kind, string Text, int Line, int Column)
{
    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the text",
        TokenKind.Value => $"%{Text}",
        TokenKind.Text => AttributeValue.Quote(Text),
        _ => $"'{Text}'",
    };
}

/// <summary>Cuts the text form into tokens. Spaces, line ends and comments (<c>//</c> to the end of the line) stand between them.</summary>
internal sealed class GraphLexer(string text, string source)
{
    private const int MaxTokenLength = 4096;
    private const int MaxShown = 300;

    private int _at;
    private int _line = 1;
    private int _lineStart;

    public Token Next()
    {
        SkipBlanks();
        int start = _at;
        if (start == text.Length)
        {
            return new(TokenKind.End, "", _line, Column(start));
        }

        char c = text[start];
        if (c == '"')
        {
            return ReadText();
        }

        if (c == '%' || char.IsAsciiLetter(c))
        {
            bool value = c == '%';
            string word = Take(value ? start + 1 : start, IsWordPart);
            return word.Length > 0
                ? Token(value ? TokenKind.Value : TokenKind.Word, word, start)
                : throw Error(start, "expected a name after '%'");
        }

        if (char.IsAsciiDigit(c) || c == '-')
        {
            return Token(TokenKind.Number, ReadNumber(), start);
        }

        _at++;
        return "=:,(){}[]+".Contains(c)
            ? Token(TokenKind.Symbol, c.ToString(), start)
            : throw Error(start, $"unexpected character {Shown(c)}");
    }

    /// <summary>One sentence with the place, free of control characters and cut to a readable length.</summary>
    public UserErrorException Error(int line, int column, string message)
    {
        string clean = string.Concat(message.Select(c => c is >= ' ' and <= '~' ? c : ' '));
        return new($"{source}:{line}:{column}: {(clean.Length <= MaxShown ? clean : clean[..MaxShown] + "...")}");
    }

    private static bool IsWordPart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.';

    private static string Shown(char c) => c is > ' ' and <= '~' ? $"'{c}'" : $"U+{(int)c:X4}";

    private int Column(int at) => at - _lineStart + 1;

    private Token Token(TokenKind kind, string content, int start) => new(kind, content, _line, Column(start));

    private UserErrorException Error(int at, string message) => Error(_line, Column(at), message);

    private void SkipBlanks()
    {
        for (; _at < text.Length; _at++)
        {
            bool comment = text[_at] == '/' && _at + 1 < text.Length && text[_at + 1] == '/';
            if (comment)
            {
                int end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end;
            }

            if (_at == text.Length || text[_at] is not (' ' or '\t' or '\r' or '\n'))
            {
                return;
            }

            if (text[_at] == '\n')
            {
                _line++;
                _lineStart = _at + 1;
            }
        }
    }

    private string Take(int start, Func<char, bool> belongs)
    {
        for (_at = start; _at < text.Length && belongs(text[_at]); _at++)
        {
            if (_at - start >= MaxTokenLength)
            {
                throw Error(start, $"a word or number is longer than {MaxTokenLength} characters");
            }
        }

        return text[start.._at];
    }

    private string ReadNumber()
    {
        int start = _at;
        bool negative = text[start] == '-';
        string digits = Take(negative ? start + 1 : start, c => char.IsAsciiLetterOrDigit(c) || c == '.');
        bool exponent = digits.EndsWith('E') || digits.EndsWith('e');
        if (exponent && _at < text.Length && text[_at] is '+' or '-')
        {
            digits += text[_at] + Take(_at + 1, char.IsAsciiDigit);
        }

        return negative ? "-" + digits : digits;
    }

    private Token ReadText()
    {
        int start = _at++;
        StringBuilder content = new();
        while (_at < text.Length && text[_at] != '"' && text[_at] != '\n')
        {
            content.Append(text[_at] == '\\' ? ReadEscape() : text[_at++]);
            if (content.Length > MaxTokenLength)
            {
                throw Error(start, $"a text in quotes is longer than {MaxTokenLength} characters");
            }
        }

        if (_at == text.Length || text[_at] != '"')
        {
            throw Error(start, "a text in quotes has no closing quote on its line");
        }

        _at++;
        return Token(TokenKind.Text, content.ToString(), start);
    }

    private char ReadEscape()
    {
        int start = _at;
        char kind = start + 1 < text.Length ? text[start + 1] : '\0';
        if (kind is '"' or '\\')
        {
            _at += 2;
            return kind;
        }

        if (kind == 'u' && start + 6 <= text.Length
            && ushort.TryParse(text.AsSpan(start + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
        {
            _at += 6;
            return (char)code;
        }

        throw Error(start, "expected one of the escapes \\\", \\\\ and \\uXXXX");
    }
}
