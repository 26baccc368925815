using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>
/// The lines of standard input, of which those that end in \ continue with the next. A terminal edits its lines itself, whatever
/// script they are written in.
/// </summary>
internal sealed class LineInput(Interruption interruption) : IDisposable
{
    private const int MostCharacters = 1 << 20;

    private readonly StreamReader _reader = new(Console.OpenStandardInput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

    public bool IsTerminal { get; } = !Console.IsInputRedirected;

    /// <summary>The next text, or null at the end.</summary>
    /// <exception cref="UserErrorException">It is too long; it was skipped.</exception>
    public string? Read()
    {
        StringBuilder text = new();
        for (string prompt = "> "; ; prompt = ". ")
        {
            string? line = ReadLine(prompt, MostCharacters - text.Length);
            if (line is null)
            {
                return text.Length > 0 ? text.ToString() : null;
            }

            if (!line.EndsWith('\\'))
            {
                return text.Append(line).ToString();
            }

            text.Append(line, 0, line.Length - 1).Append('\n');
        }
    }

    public void Dispose() => _reader.Dispose();

    private string? ReadLine(string prompt, int most)
    {
        if (IsTerminal)
        {
            Console.Error.Write(prompt);
        }

        string? line = interruption.Idle(() => ReadLine(most));
        if (line is null && IsTerminal)
        {
            Console.Error.WriteLine();
        }

        return line;
    }

    private string? ReadLine(int most)
    {
        StringBuilder line = new();
        int next, length = 0;
        for (; (next = _reader.Read()) is not (-1 or '\n'); length++)
        {
            if (length < most)
            {
                line.Append((char)next);
            }
        }

        if (length > most)
        {
            throw new UserErrorException($"a line is longer than the {MostCharacters} characters that one text may have; shorten it");
        }

        return next == -1 && length == 0 ? null : line.Length > 0 && line[^1] == '\r' ? line.ToString(0, line.Length - 1) : line.ToString();
    }
}
