using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using HeteroQwen.Ir;
using Spectre.Console;

namespace HeteroQwen.Cli;

/// <summary>Standard input, output and error: pretty where a person looks on, plain where a program does.</summary>
internal sealed class Terminal : IDisposable
{
    private const int MostInput = 16 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Stream? _redirected;

    public Terminal()
    {
        bool styled = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        IsTerminal = !Console.IsOutputRedirected;
        IsStyled = IsTerminal && styled;
        ShowsProgress = !Console.IsErrorRedirected && styled;
        _redirected = IsTerminal ? null : PipeStream.OpenStandardOutput();
        Out = _redirected is null ? Console.Out : new StreamWriter(_redirected, s_utf8) { NewLine = "\n" };
        Pretty = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsStyled ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsStyled ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(Out),
        });
    }

    /// <summary>Standard output; flushed by who wants what was written to be seen at once, and at the end.</summary>
    public TextWriter Out { get; }

    /// <summary>Spectre's view of standard output, for <see cref="IsStyled"/> alone.</summary>
    public IAnsiConsole Pretty { get; }

    public bool IsTerminal { get; }

    /// <summary>Whether standard output may get colours and frames.</summary>
    public bool IsStyled { get; }

    /// <summary>Whether standard error may get lines that are overwritten.</summary>
    public bool ShowsProgress { get; }

    /// <summary>A line on standard error, made harmless.</summary>
    public static void Note(string line) => Console.Error.WriteLine(VisibleText.OneLine(line));

    /// <summary>What is wrong, as one sentence on standard error.</summary>
    public static void Refuse(string sentence) => Note($"heteroqwen: {sentence}{(sentence is [.., '.' or '?'] ? "" : ".")}");

    /// <summary>A line on standard error that is less than the answers: dimmed where a person looks on.</summary>
    public void Aside(string line) =>
        Console.Error.WriteLine(ShowsProgress ? $"\u001b[2m{VisibleText.OneLine(line)}\u001b[0m" : VisibleText.OneLine(line));

    /// <summary>All of standard input, without its last line end.</summary>
    /// <exception cref="UserErrorException">It is too long.</exception>
    public static string ReadInput()
    {
        using Stream input = Console.OpenStandardInput();
        return ReadText(input, "standard input");
    }

    /// <summary>All of a file, without its last line end. It may be a pipe.</summary>
    /// <exception cref="UserErrorException">It cannot be read or is too long.</exception>
    public static string ReadFile(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return ReadText(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException($"{path} cannot be read ({e.Message.TrimEnd('.')}); check the path", e);
        }
    }

    private static string ReadText(Stream input, string name)
    {
        using MemoryStream bytes = new();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = input.Read(buffer)) > 0;)
        {
            if (bytes.Length + count > MostInput)
            {
                throw new UserErrorException($"{name}: longer than {MostInput} bytes, the most that is read; give a shorter text");
            }

            bytes.Write(buffer, 0, count);
        }

        string text = s_utf8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length).TrimStart('\uFEFF');
        return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>What is piped in, or null where nothing is.</summary>
    /// <exception cref="UserErrorException">It is too long.</exception>
    public static string? ReadPiped() => Console.IsInputRedirected && ReadInput() is { Length: > 0 } text ? text : null;

    /// <summary>Writes one JSON value and a line end. Text is readable: only what JSON or a terminal cannot hold is escaped.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write) => WriteJson(write, IsTerminal);

    /// <summary>As <see cref="WriteJson(Action{Utf8JsonWriter})"/>, always on one line.</summary>
    public void WriteJsonLine(Action<Utf8JsonWriter> write) => WriteJson(write, indented: false);

    private void WriteJson(Action<Utf8JsonWriter> write, bool indented)
    {
        using (MemoryStream bytes = new())
        {
            using (Utf8JsonWriter json = NewJsonWriter(bytes, indented))
            {
                write(json);
            }

            Out.Write(s_utf8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        }

        Out.WriteLine();
    }

    public static Utf8JsonWriter NewJsonWriter(Stream stream, bool indented) =>
        new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = indented, NewLine = "\n" });

    /// <summary>Bytes to standard output, past <see cref="Out"/>, which must be flushed.</summary>
    public Stream OpenRaw() => _redirected ?? Console.OpenStandardOutput();

    public void Dispose()
    {
        Out.Flush();
        _redirected?.Flush();
    }
}
