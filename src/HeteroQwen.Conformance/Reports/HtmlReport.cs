namespace HeteroQwen.Conformance;

/// <summary>One self-contained page.</summary>
public sealed class HtmlReport(ConformanceReport report)
{
    public string Page() => $"<!doctype html><title>{report.Survey.Device.Id}</title>";
}
