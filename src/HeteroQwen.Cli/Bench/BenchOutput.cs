using System.Collections;
using System.Globalization;
using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli.Bench;

/// <summary>Writes rows: as they come where a line is a row, else all at the end.</summary>
internal sealed class BenchOutput(Terminal terminal, string format)
{
    public static readonly string[] Formats = ["table", "md", "csv", "json", "jsonl"];

    private static readonly (string Header, Func<BenchRow, string> Cell)[] s_setup =
    [
        ("model", r => r.Setup.Model.Name),
        ("type", r => r.Setup.Model.Types),
        ("size>", r => Units.Bytes(r.Setup.Model.Bytes)),
        ("params>", r => Units.Count(r.Setup.Model.Parameters)),
        ("backend", r => r.Setup.Device),
        ("tier", r => r.Setup.Tier ?? "-"),
        ("threads>", r => $"{(r.Setup.Threads is { } threads ? threads : "-")}"),
        ("precision", r => $"{r.Setup.Precision}, kv {r.Setup.Kv.Name()}"),
    ];

    private static readonly (string Header, Func<BenchRow, string> Cell)[] s_results =
    [
        ("test>", r => r.Test.Name),
        ("t/s>", r => $"{Number(r.Rate, "0.00")} ± {Number(BenchRow.Deviation(r.Rates), "0.00")}"),
        ("GB/s>", r => Rated(r.BytesPerSecond, r.Roof.PercentOfBytes)),
        ("GFLOP/s>", r => Rated(r.OperationsPerSecond, r.Roof.PercentOfOperations)),
        ("bound", r => r.Nearest?.Bound ?? "-"),
    ];

    private readonly List<BenchRow> _rows = [];

    /// <summary>Whether the rows are for people to read, and more may follow beneath them.</summary>
    public bool IsForPeople => format is "table" or "md";

    public void Add(BenchRow row)
    {
        _rows.Add(row);
        if (format == "jsonl")
        {
            terminal.WriteJsonLine(json => Write(json, row));
        }
        else if (format == "csv")
        {
            var cells = row.Fields.Where(f => f.Value is not IEnumerable or string).ToList();
            if (_rows.Count == 1)
            {
                terminal.Out.WriteLine(CsvLine(cells.Select(c => c.Name)));
            }

            terminal.Out.WriteLine(CsvLine(cells.Select(c => Convert.ToString(c.Value, CultureInfo.InvariantCulture) ?? "")));
        }

        terminal.Out.Flush();
    }

    /// <summary>Writes what is left to write; also of a run that was cut short.</summary>
    public void End()
    {
        if (_rows.Count == 0)
        {
            return;
        }

        if (format == "json")
        {
            terminal.WriteJson(json =>
            {
                json.WriteStartArray();
                _rows.ForEach(row => Write(json, row));
                json.WriteEndArray();
            });
        }
        else if (IsForPeople)
        {
            WriteTable();
            WriteRoofs();
        }
    }

    /// <summary>A rate in thousands of millions, and percent of its limit.</summary>
    public static string Rated(double perSecond, Func<double, double?> percent) =>
        $"{Billions(perSecond)}{(percent(perSecond) is { } p ? $" ({Number(p, p < 10 ? "0.0" : "0")} %)" : "")}";

    public static string Billions(double value) => Number(value / 1e9, value < 1e9 ? "0.00" : value < 1e11 ? "0.0" : "0");

    public static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>All cells quoted, as llama-bench has them.</summary>
    private static string CsvLine(IEnumerable<string> cells) =>
        string.Join(',', cells.Select(c => $"\"{VisibleText.OneLine(c).Replace("\"", "\"\"", StringComparison.Ordinal)}\""));

    /// <summary>
    /// In Markdown every row says all, as llama-bench's do; on a screen, which may be narrow, what all rows share stands above them.
    /// </summary>
    private void WriteTable()
    {
        bool isMarkdown = format == "md";
        bool Varies(Func<BenchRow, string> cell) => isMarkdown || _rows.Select(cell).Distinct().Count() > 1;
        var columns = s_setup.Where(c => Varies(c.Cell)).Concat(s_results).ToList();
        TextTable table = new([.. columns.Select(c => c.Header)]);
        _rows.ForEach(row => table.Add([.. columns.Select(c => c.Cell(row))]));
        if (isMarkdown)
        {
            table.WriteMarkdown(terminal);
            return;
        }

        var shared = s_setup.Where(c => !Varies(c.Cell)).Select(c => (Name: c.Header.TrimEnd('>'), Cell: c.Cell(_rows[0])));
        terminal.Out.WriteLine(VisibleText.OneLine(string.Join(", ", shared.Where(s => s.Cell != "-").Select(s => $"{s.Name} {s.Cell}"))));
        table.Write(terminal);
    }

    /// <summary>What the percentages are of: the best of what was measured beside the rows of one device and number of threads.</summary>
    private void WriteRoofs()
    {
        terminal.Out.WriteLine();
        foreach (IGrouping<BenchSetup, BenchRow> rows in _rows.GroupBy(r => r.Setup))
        {
            Roof roof = rows.Select(r => r.Roof).Aggregate((best, next) => best.Or(next));
            string where = rows.Key.Device + (rows.Key.Threads is { } threads ? $", {threads} {(threads == 1 ? "thread" : "threads")}" : "");
            terminal.Out.WriteLine(roof.Bytes is { } bytes && roof.Operations is { } operations
                ? VisibleText.OneLine(
                    $"{where}: measured in this run, reading in order {Billions(bytes)} GB/s, "
                    + $"{roof.Unit} {Billions(operations)} GFLOP/s")
                : $"{where}: the device does not measure its limits");
        }
    }

    private static void Write(Utf8JsonWriter json, BenchRow row)
    {
        json.WriteStartObject();
        foreach ((string name, object? value) in row.Fields)
        {
            json.WritePropertyName(name);
            Write(json, value);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            default:
                json.WriteStartArray();
                foreach (object? item in (IEnumerable)value)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
        }
    }
}
