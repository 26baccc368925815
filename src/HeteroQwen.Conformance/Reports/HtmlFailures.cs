namespace HeteroQwen.Conformance;

/// <summary>What failed, with where and by how much; and what was skipped and why.</summary>
internal static class HtmlFailures
{
    private const int MostCards = 100;
    private const int MostListed = 40;

    public static string Cards(ConformanceReport report)
    {
        CaseResult[] failures = [.. report.Failures.OrderBy(f => f.Status == CaseStatus.Mistrusted)];
        string cards = string.Concat(failures.Take(MostCards).Select(f => Card(report, f)));
        return failures.Length <= MostCards ? cards
            : cards + $"<p class=\"dim\">and {failures.Length - MostCards} more, in {ReportFolder.Certificate}</p>";
    }

    public static string Skips(ConformanceReport report) => string.Concat(report.Skips
        .GroupBy(s => (s.Status, s.Reason))
        .OrderByDescending(g => g.Count())
        .Select(g => $"<details><summary><span class=\"tag {HtmlText.Lower(g.Key.Status)}\">{HtmlText.Lower(g.Key.Status)}</span>"
            + $"{HtmlText.Of(g.Key.Reason)} <span class=\"dim\">({g.Count()})</span></summary>{Listed([.. g.Select(r => r.Id)])}</details>"));

    private static string Listed(string[] ids)
    {
        string items = string.Concat(ids.Take(MostListed).Select(id => $"<li><code>{HtmlText.Of(id)}</code></li>"));
        return $"<ul>{items}{(ids.Length > MostListed ? $"<li class=\"dim\">and {ids.Length - MostListed} more</li>" : "")}</ul>";
    }

    private static string Card(ConformanceReport report, CaseResult failure)
    {
        string tag = $"<span class=\"tag {HtmlText.Lower(failure.Status)}\">{HtmlText.Lower(failure.Status)}</span>";
        string heat = failure.Errors is { } errors ? HeatMap.Svg(errors) : "";
        return $"<div class=\"card\"><div><h3>{tag}<code>{HtmlText.Of(failure.Id)}</code></h3><p>{HtmlText.Of(failure.Reason)}</p>"
            + $"<pre>{HtmlText.Of(report.Repro(failure.Id))}</pre>{Metrics(failure.Metrics)}</div>{heat}</div>\n";
    }

    private static string Metrics(CaseMetrics? metrics) => metrics is null ? ""
        : $"<p class=\"dim\">worst {HtmlText.Real(metrics.Worst)} of its bound, NMSE {HtmlText.Real(metrics.Nmse)}, "
            + $"{HtmlText.Real(metrics.MaxUlp)} ULP at the most, bias {HtmlText.Real(metrics.Bias)}<br>{HtmlText.Of(metrics.Bound)}</p>";
}
