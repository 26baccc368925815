using Spectre.Console;

namespace HeteroQwen.Cli;

/// <summary>
/// A table: framed on a terminal, columns apart by two spaces in a pipe. A header that ends in '&gt;' means right-aligned.
/// </summary>
internal sealed class TextTable(params string[] headers)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(VisibleText.OneLine)]);

    public void Write(Terminal terminal, string indent = "")
    {
        if (terminal.IsStyled)
        {
            Table table = new() { Border = TableBorder.Rounded };
            foreach (string header in headers)
            {
                TableColumn column = new(Markup.Escape(header.TrimEnd('>')));
                table.AddColumn(IsRight(header) ? column.RightAligned() : column);
            }

            _rows.ForEach(row => table.AddRow([.. row.Select(cell => new Text(cell))]));
            terminal.Pretty.Write(table);
            return;
        }

        foreach (string[] row in Padded(_rows))
        {
            terminal.Out.WriteLine((indent + string.Join("  ", row)).TrimEnd());
        }
    }

    /// <summary>The table in Markdown, wherever it is written to.</summary>
    public void WriteMarkdown(Terminal terminal)
    {
        string[][] rows = [.. Padded([.. _rows.Select(r => r.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)).ToArray())])];
        string[] rule = [.. rows[0].Select((c, i) => new string('-', c.Length - 1) + (IsRight(headers[i]) ? ':' : '-'))];
        foreach (string[] row in (string[][])[rows[0], rule, .. rows[1..]])
        {
            terminal.Out.WriteLine($"| {string.Join(" | ", row)} |");
        }
    }

    /// <summary>The headers and rows, each column of one width.</summary>
    private IEnumerable<string[]> Padded(IReadOnlyList<string[]> rows)
    {
        string[] titles = [.. headers.Select(h => h.TrimEnd('>'))];
        int[] widths = [.. titles.Select((title, i) => rows.Select(r => r[i].Length).Append(title.Length).Max())];
        return rows.Prepend(titles)
            .Select(row => row.Select((cell, i) => IsRight(headers[i]) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])).ToArray());
    }

    private static bool IsRight(string header) => header.EndsWith('>');
}
