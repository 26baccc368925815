using System.Globalization;
using System.Net;

namespace HeteroQwen.Conformance;

/// <summary>Text and numbers as they may stand in the page. Whatever devices and files say is escaped.</summary>
internal static class HtmlText
{
    public static string Of(string? text) => WebUtility.HtmlEncode(text ?? "");

    public static string Real(double value) => !double.IsFinite(value) ? value.ToString(CultureInfo.InvariantCulture)
        : value == 0 ? "0"
        : Math.Abs(value) is >= 0.001 and < 100_000 ? value.ToString("0.####", CultureInfo.InvariantCulture)
        : value.ToString("0.##e0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => $"{(100 * share).ToString("0.#", CultureInfo.InvariantCulture)} %";

    public static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>A section with a heading, to be found in the page's list; nothing where there is nothing to say.</summary>
    public static string Section(string id, string title, string body) =>
        body.Length == 0 ? "" : $"<section id=\"{id}\"><h2>{title}</h2>{body}</section>\n";

    /// <summary>A table; cells come as HTML.</summary>
    public static string Table(string[] headers, IEnumerable<string[]> rows, string style = "")
    {
        string head = string.Concat(headers.Select(h => h.EndsWith('>') ? $"<th class=\"n\">{Of(h[..^1])}</th>" : $"<th>{Of(h)}</th>"));
        string Cells(string[] row) => string.Concat(row.Select((cell, i) => headers[i].EndsWith('>') ? $"<td class=\"n\">{cell}</td>" : $"<td>{cell}</td>"));
        string body = string.Concat(rows.Select(r => $"<tr>{Cells(r)}</tr>\n"));
        return $"<div class=\"scroll\"><table class=\"{style}\"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>";
    }
}
