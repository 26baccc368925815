using System.CommandLine;
using HeteroQwen.Conformance;

namespace HeteroQwen.Cli;

/// <summary><c>conform-status</c>, which no help lists: prints <c>docs/status.md</c>.</summary>
internal static class ConformStatusCommand
{
    private const string OpCases = "op/*";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    public static Command Create(Tool tool)
    {
        Command command = new("conform-status") { Hidden = true };
        command.SetAction(_ =>
        {
            ConformanceReport[] reports = [.. tool.Backends.Devices().Where(d => d.Info.Available).Select(d => Judge(tool, d.Id))];
            tool.Terminal.Out.Write(StatusPage.Of(reports));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ConformanceReport Judge(Tool tool, string device)
    {
        using CaseRunner runner = new(WorkerStart.Command(ConformWorkerCommand.Name, "-b", device), s_limit);
        Survey survey = runner.Survey(tool.Cancellation);
        CaseInfo[] wanted = [.. survey.Cases.Where(c => c.Matches(OpCases))];
        using ConformProgress progress = new(tool.Terminal, wanted.Length);
        IReadOnlyList<CaseResult> results = runner.Run(wanted, progress.Report, tool.Cancellation);
        SuiteOptions options = new(Profile.Quick, SuiteOptions.BothPrecisions, 1, null);
        return new ConformanceReport(survey, options, [.. results], Levels.Compute(survey, results), $"heteroqwen conform -b {device}");
    }
}
