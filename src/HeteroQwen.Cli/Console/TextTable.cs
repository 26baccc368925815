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

        int[] widths = [.. headers.Select((h, i) => _rows.Select(r => r[i].Length).Append(h.TrimEnd('>').Length).Max())];
        foreach (string[] row in _rows.Prepend([.. headers.Select(h => h.TrimEnd('>'))]))
        {
            var cells = row.Select((cell, i) => IsRight(headers[i]) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            terminal.Out.WriteLine((indent + string.Join("  ", cells)).TrimEnd());
        }
    }

    private static bool IsRight(string header) => header.EndsWith('>');
}
