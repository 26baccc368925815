using HeteroQwen.Conformance;

namespace HeteroQwen.Cli;

/// <summary>How far a run is, on a terminal's standard error.</summary>
internal sealed class ConformProgress(Terminal terminal, int cases) : IDisposable
{
    private readonly Progress _progress = new(terminal, $"{cases} cases");
    private int _done;
    private int _failed;

    public void Report(CaseResult result)
    {
        _done++;
        _failed += ConformanceReport.IsFailure(result.Status) ? 1 : 0;
        string failed = _failed == 0 ? "" : $", {_failed} failed";
        _progress.Report($"{_done} of {cases} cases{failed}: {result.Id}");
    }

    public void Dispose() => _progress.Dispose();
}
