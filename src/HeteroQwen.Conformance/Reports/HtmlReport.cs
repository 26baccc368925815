namespace HeteroQwen.Conformance;

/// <summary>One page that needs nothing else: no script, no font, no picture from elsewhere.</summary>
public static class HtmlReport
{
    public static string Page(ConformanceReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        (string Id, string Title, string Body)[] sections =
        [
            ("levels", "Levels", HtmlSummary.Ladder(report)),
            ("failures", "Failures", HtmlFailures.Cards(report)),
            ("matrix", "Ops and types", HtmlMatrix.Html(report)),
            ("ledger", "Ledger", HtmlFacts.Ledger(report)),
            ("skips", "Skipped, and why", HtmlFailures.Skips(report)),
            ("numerics", "Declared and observed numerics", HtmlFacts.Numerics(report)),
            ("mutants", "Mutants", HtmlFacts.Mutants(report)),
            ("versions", "Versions and digests", HtmlFacts.Versions(report)),
        ];
        string links = string.Concat(sections.Where(s => s.Body.Length > 0).Select(s => $"<a href=\"#{s.Id}\">{s.Title}</a>"));
        string body = string.Concat(sections.Select(s => HtmlText.Section(s.Id, s.Title, s.Body)));
        return $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <title>{HtmlText.Of(report.Survey.Device.Id)}: conformance</title>
            <style>
            {HtmlStyle.Css}
            </style></head><body><main>
            {HtmlSummary.Head(report)}<nav>{links}</nav>
            {body}</main></body></html>

            """;
    }
}
