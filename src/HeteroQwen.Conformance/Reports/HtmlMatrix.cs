using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>
/// Ops against types: how many cases passed, failed and were skipped. A case stands in the column of the first type of its id that
/// is not f32 (of a product the weight's), or in that of f32.
/// </summary>
public static class HtmlMatrix
{
    /// <summary>What became of the cases of one op and one type.</summary>
    public sealed record Cell(string Op, string Type, int Passed, int Failed, int Skipped, IReadOnlyList<string> Types);

    public static IReadOnlyList<Cell> Cells(ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return
        [
            .. from result in report.Results
               let info = report.CaseOf(result)
               where info.Op is not null
               let types = info.Id.Split('/') is [_, _, var t, ..] ? t : ""
               group (result.Status, types) by (Op: info.Op!, Type: ColumnOf(types)) into cell
               select new Cell(
                   cell.Key.Op,
                   cell.Key.Type,
                   cell.Count(c => c.Status == CaseStatus.Pass),
                   cell.Count(c => ConformanceReport.IsFailure(c.Status)),
                   cell.Count(c => c.Status is CaseStatus.Unsupported or CaseStatus.Fallback),
                   [.. cell.Select(c => c.types).Distinct().Order(StringComparer.Ordinal)]),
        ];
    }

    internal static string Html(ConformanceReport report)
    {
        IReadOnlyList<Cell> cells = Cells(report);
        if (cells.Count == 0)
        {
            return "";
        }

        string[] order = [.. ElementTypes.All.Select(t => t.Name())];
        string[] types = [.. cells.Select(c => c.Type).Distinct().OrderBy(t => (uint)Array.IndexOf(order, t))];
        ILookup<(string, string), Cell> lookup = cells.ToLookup(c => (c.Op, c.Type));
        return "<p class=\"dim\">Cases passed; with failures, failed / all. Hover for the types in full.</p>" + HtmlText.Table(
            ["op", .. types],
            cells.Select(c => c.Op).Distinct().Order(StringComparer.Ordinal).Select(op => (string[])
                [$"<code>{HtmlText.Of(op)}</code>", .. types.Select(t => lookup[(op, t)].Select(CellHtml).FirstOrDefault(""))]),
            "matrix");
    }

    private static string ColumnOf(string types)
    {
        string[] parts = types.Split('.', '-');
        return parts.FirstOrDefault(p => p != "f32") ?? "f32";
    }

    private static string CellHtml(Cell cell)
    {
        int all = cell.Passed + cell.Failed + cell.Skipped;
        (string style, string text) = cell.Failed > 0 ? ("fail", $"{cell.Failed} / {all}")
            : cell.Passed == 0 && OpCatalog.TryGet(cell.Op, out OpDefinition? op) && op.Class == OpClass.Block ? ("unsupported", "opened")
            : cell.Passed == 0 ? ("unsupported", "no")
            : cell.Skipped > 0 ? ("pass", $"{cell.Passed} / {all}")
            : ("pass", $"{cell.Passed}");
        string title = $"{cell.Op} {string.Join(", ", cell.Types)}: {cell.Passed} passed, {cell.Failed} failed, {cell.Skipped} skipped";
        return $"<span class=\"cell {style}\" title=\"{HtmlText.Of(title)}\">{text}</span>";
    }
}
