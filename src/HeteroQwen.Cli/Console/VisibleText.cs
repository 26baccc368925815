using System.Globalization;
using System.Text;

namespace HeteroQwen.Cli;

/// <summary>
/// Text that others wrote (a model, a file, a user) as it may reach a terminal: no control character does, save line ends and
/// tabs where they are wanted, so that no text drives the terminal.
/// </summary>
internal static class VisibleText
{
    /// <summary>Controls become their pictures (ESC is shown as U+241B) or their numbers; \n and \t stay.</summary>
    public static string Lines(string text) => Show(text, static c => c is '\n' or '\t');

    /// <summary>As <see cref="Lines"/>, but on one line.</summary>
    public static string OneLine(string text) => Show(text, static _ => false);

    /// <summary>One line in which spaces show too, for the pieces of a text.</summary>
    public static string Piece(string text) => OneLine(text).Replace(' ', '·');

    private static string Show(string text, Func<char, bool> keep)
    {
        if (!text.Any(c => char.IsControl(c) && !keep(c)))
        {
            return text;
        }

        StringBuilder shown = new(text.Length + 8);
        foreach (char c in text)
        {
            _ = !char.IsControl(c) || keep(c) ? shown.Append(c)
                : c < ' ' ? shown.Append((char)('\u2400' + c))
                : c == '\u007f' ? shown.Append('\u2421')
                : shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return shown.ToString();
    }
}
