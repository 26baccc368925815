using System.Collections.Immutable;
using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Conformance;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary><c>conform</c>: whether a backend runs Qwen3 correctly, case by case, and what level that makes.</summary>
internal sealed class ConformCommand
{
    private static readonly string[] s_levels = ["L0", "L1", "L2", "L3", "L4", "L5"];

    private readonly Tool _tool;
    private readonly ConformArguments _suite = new();
    private readonly Option<string?> _level = Arguments.Text("--level", "L0..L5", "Fail unless the device reaches this level");
    private readonly Option<string?> _filter = Arguments.Text("--filter", "GLOB", "Run only cases whose id matches, such as 'op/linear/*'");
    private readonly Option<string?> _report = Arguments.Text("--report", "DIR", "Write certificate.json, junit.xml and report.html there");
    private readonly Option<bool> _json = Arguments.Json();

    private ConformCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        ConformCommand self = new(tool);
        Command command = new("conform", "Prove that a backend runs Qwen3 correctly, or find where it does not.");
        self._suite.AddTo(command);
        foreach (Option option in (ReadOnlySpan<Option>)[self._level, self._filter, self._report, self._json])
        {
            command.Options.Add(option);
        }

        command.SetAction(self.Run);
        return (command, ["heteroqwen conform -b cpu --filter 'runtime/*'", "heteroqwen conform -b reference --filter 'runtime/copy/*' --json"]);
    }

    private int Run(ParseResult parsed)
    {
        string? level = Arguments.Choice(parsed, _level, s_levels);
        string? filter = parsed.GetValue(_filter);
        if (level is not null && filter is not null)
        {
            throw new UserErrorException("--level: a level takes all cases; leave --filter out");
        }

        // Only the names are looked at here: the worker alone opens the device.
        _tool.Backends.Check(_suite.Backend(parsed, _tool));
        string? folder = parsed.GetValue(_report);
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
        }

        string? mutants = _suite.Mutants(parsed);
        ImmutableArray<MutantInfo> wanted = mutants is null ? [] : MutantInfo.Of(PluginLoader.Load(mutants), mutants);
        ConformanceReport report = Judge(parsed, filter);
        if (mutants is not null)
        {
            report = report with { Mutants = Try(wanted, mutants, report.Options) };
        }

        if (folder is not null)
        {
            ReportFolder.Write(folder, report);
        }

        if (parsed.GetValue(_json))
        {
            _tool.Terminal.WriteJson(json => ReportJson.Write(json, report));
        }
        else
        {
            new ConformPage(_tool.Terminal, report).Write(folder);
        }

        bool reached = level is null || string.CompareOrdinal(Reached(report), level) >= 0;
        if (!reached)
        {
            _tool.Terminal.Out.Flush();
            Terminal.Note($"heteroqwen: level {level} was asked for, and {Reached(report) ?? "none"} is reached.");
        }

        return report.Failures.Any() || !reached ? ExitCodes.CheckFailed : ExitCodes.Ok;
    }

    /// <summary>A level is one of fast; where only exact is judged, of exact.</summary>
    private static string? Reached(ConformanceReport report) =>
        report.Levels.Ladders.Any(l => l.Precision == Precision.Fast) ? report.Levels.Level : report.Levels.LevelExact;

    private ConformanceReport Judge(ParseResult parsed, string? filter)
    {
        SuiteOptions options = _suite.Suite(parsed);
        string[] written = [.. _suite.Written(parsed)];
        using CaseRunner runner = new(WorkerStart.Command([ConformWorkerCommand.Name, .. written]), LimitOf(options.Profile));
        Survey survey;
        using (new Progress(_tool.Terminal, "asking the device what it is"))
        {
            survey = runner.Survey(_tool.Cancellation);
        }

        CaseInfo[] wanted = [.. survey.Cases.Where(c => filter is null || c.Matches(filter))];
        if (wanted.Length == 0)
        {
            throw new UserErrorException(
                $"--filter {filter}: none of the {survey.Cases.Length} cases matches; ids look like {survey.Cases.FirstOrDefault()?.Id}");
        }

        using ConformProgress progress = new(_tool.Terminal, wanted.Length);
        IReadOnlyList<CaseResult> results = runner.Run(wanted, progress.Report, _tool.Cancellation);
        string repro = string.Join(' ', written.Select(ShellWord.Of));
        return new ConformanceReport(survey, options, [.. results], Levels.Compute(survey, results), $"heteroqwen conform {repro}");
    }

    private ImmutableArray<MutantOutcome> Try(ImmutableArray<MutantInfo> mutants, string plugin, SuiteOptions options)
    {
        string[] ending = ["--seed", $"{options.Seed}"];
        MutantRun run = new(
            mutant => WorkerStart.Command(
            [
                ConformWorkerCommand.Name,
                .. mutant is null ? (string[])["-b", "cpu"] : ["--plugin", plugin, "-b", $"{MutantInfo.Backend}:{mutant.Index}"],
                .. ending,
            ]),
            LimitOf(Profile.Quick));
        using Progress progress = new(_tool.Terminal, $"{mutants.Length} mutants");
        int done = 0;
        return run.Run(mutants, m => progress.Report($"{++done} of {mutants.Length} mutants: {m.Name}"), _tool.Cancellation);
    }

    private static TimeSpan LimitOf(Profile profile) => TimeSpan.FromSeconds(profile == Profile.Quick ? 20 : 120);
}
