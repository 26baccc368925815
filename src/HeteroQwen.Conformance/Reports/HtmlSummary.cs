using System.Globalization;
using System.Text;

namespace HeteroQwen.Conformance;

/// <summary>The top of the page: what was judged, levels, counts, and the ladder.</summary>
internal static class HtmlSummary
{
    public static string Head(ConformanceReport report)
    {
        DeviceFacts device = report.Survey.Device;
        StringBuilder html = new();
        html.Append(CultureInfo.InvariantCulture, $"""
            <div class="head"><div><h1>{HtmlText.Of(device.Id)}</h1>
            <p>{HtmlText.Of(device.Name)}</p>
            <p class="dim">HeteroQwen conformance, profile {HtmlText.Lower(report.Options.Profile)}, seed {report.Options.Seed}, {Scope(report)},
            {report.Results.Sum(r => r.Seconds):0.0} s</p></div><div class="badges">{Badges(report)}</div></div>
            <div class="bar">{string.Concat(Statuses(report).Select(s => Segment(report, s)))}</div>
            <div class="legend">{string.Concat(Statuses(report).Select(s => Legend(report, s)))}</div>

            """);
        return html.ToString();
    }

    public static string Ladder(ConformanceReport report)
    {
        if (report.Levels.Ladders.IsEmpty)
        {
            return "<p class=\"dim\">No level: not all cases were run.</p>";
        }

        Ladder[] ladders = [.. report.Levels.Ladders.OrderByDescending(l => l.Precision)];
        string[] headers = ["", .. ladders.Select(l => HtmlText.Lower(l.Precision)), "what it takes", "what stands in the way"];
        return HtmlText.Table(headers, Enumerable.Range(0, ladders[0].Steps.Length).Reverse().Select(i => (string[])
        [
            $"<b>{ladders[0].Steps[i].Level}</b>",
            .. ladders.Select(l => Reached(l, i)),
            HtmlText.Of(ladders[0].Steps[i].Means),
            string.Concat(ladders.Select(l => Barriers(l, i))),
        ]));
    }

    /// <summary>A step counts only with all those below it.</summary>
    private static string Reached(Ladder ladder, int step) =>
        !ladder.Steps[step].Barriers.IsEmpty ? "<span class=\"no\">no</span>"
        : ladder.Steps.Take(step).All(s => s.Barriers.IsEmpty) ? "<span class=\"ok\">yes</span>"
        : "<span class=\"dim\">(yes)</span>";

    private static string Barriers(Ladder ladder, int step)
    {
        LevelStep own = ladder.Steps[step];
        if (own.Barriers.IsEmpty)
        {
            return "";
        }

        LevelStep? same = ladder.Steps.Take(step).FirstOrDefault(s => s.Barriers.SequenceEqual(own.Barriers));
        string text = same is null ? string.Join("<br>", own.Barriers.Select(HtmlText.Of)) : $"as {same.Level}";
        return $"<p><b>{HtmlText.Lower(ladder.Precision)}</b>: {text}</p>";
    }

    private static IEnumerable<CaseStatus> Statuses(ConformanceReport report) =>
        Enum.GetValues<CaseStatus>().Where(s => report.Count(s) > 0);

    private static string Scope(ConformanceReport report) => report.Results.Length == report.Survey.Cases.Length
        ? $"all {report.Results.Length} cases"
        : $"{report.Results.Length} of {report.Survey.Cases.Length} cases";

    private static string Badges(ConformanceReport report)
    {
        List<(string Big, string Small)> badges =
        [
            .. report.Levels.Ladders.OrderByDescending(l => l.Precision).Select(l => (l.Level ?? "none", $"level in {HtmlText.Lower(l.Precision)}")),
            ($"{report.Levels.KernelsFromResident}", "kernels from resident"),
        ];
        if (report.KillRate is { } rate)
        {
            badges.Add((HtmlText.Percent(rate), "of mutants killed"));
        }

        return string.Concat(badges.Select(b => $"<div class=\"badge\"><b>{b.Big}</b><span>{b.Small}</span></div>"));
    }

    private static string Segment(ConformanceReport report, CaseStatus status) =>
        $"<i style=\"flex:{report.Count(status)};background:var(--{Colour(status)})\" title=\"{report.Count(status)} {HtmlText.Lower(status)}\"></i>";

    private static string Legend(ConformanceReport report, CaseStatus status) =>
        $"<span><span class=\"dot\" style=\"background:var(--{Colour(status)})\"></span>{report.Count(status)} {HtmlText.Lower(status)}</span>";

    private static string Colour(CaseStatus status) => status switch
    {
        CaseStatus.Pass => "pass",
        CaseStatus.Unsupported or CaseStatus.Fallback => "skip",
        CaseStatus.Mistrusted => "mis",
        _ => "fail",
    };
}
