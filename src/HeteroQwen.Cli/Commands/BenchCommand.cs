using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Cli.Bench;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>bench</c>: how fast a model runs on devices, and how near that is to what they can do.</summary>
internal sealed class BenchCommand
{
    private const int MostRepetitions = 1000;

    private readonly Tool _tool;
    private readonly Option<string> _model = Arguments.Model();
    private readonly EngineArguments _engine = new(Precision.Fast, several: true);
    private readonly Option<string?> _prompt = Arguments.Text(
        "-p", "N[,N...]", "Tokens of a prompt, 0 for no such test; 512 unless given. Ranges: 128-512+128 or 128-512*2", "--n-prompt");
    private readonly Option<string?> _generated = Arguments.Text(
        "-n", "N[,N...]", "Tokens to generate, 0 for no such test; 128 unless given", "--n-gen");
    private readonly Option<string?> _depth = Arguments.Text(
        "-d", "DEPTH[,DEPTH...]", "KV entries before the first token; 0 unless given", "--n-depth");
    private readonly Option<string?> _repetitions = Arguments.Text(
        "-r", "REPS", "Repetitions of each test, after one that warms up; 5 unless given", "--repetitions");
    private readonly Option<string?> _output = Arguments.Text(
        "-o", "table|md|csv|json|jsonl", "How to print; table unless given", "--output");
    private readonly Option<bool> _perOp = Arguments.Flag(
        "--per-op", "Show where the time goes, operation by operation; each is waited for, which can slow a device down");
    private readonly Option<bool> _noFuse = Arguments.Flag("--no-fuse", "Open every block into the ops it is made of");

    private BenchCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        BenchCommand self = new(tool);
        Command command = new(
            "bench",
            "Measure prefill (ppN) and decode (tgN) of a model as llama-bench does, with percent of the device's measured limits.")
        {
            self._model, self._prompt, self._generated, self._depth, self._repetitions, self._output, self._perOp, self._noFuse,
        };
        self._engine.AddTo(command);
        command.SetAction(self.Run);
        return (command,
        [
            "heteroqwen bench -m tiny -p 64 -n 16 -r 3",
            "heteroqwen bench -m tiny-moe -b cpu -t 1,2 -p 0 -n 8 -d 64 -r 2 -o jsonl",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        string format = Arguments.Choice(parsed, _output, BenchOutput.Formats) ?? BenchOutput.Formats[0];
        BenchOutput output = new(_tool.Terminal, format);
        if (parsed.GetValue(_perOp) && !output.IsForPeople)
        {
            throw new UserErrorException($"bench: --per-op is for people to read; take -o table or -o md rather than -o {format}");
        }

        IReadOnlyList<BenchTest> tests = Tests(parsed);
        int repetitions = Arguments.Whole(parsed, _repetitions, 1, MostRepetitions) ?? 5;
        IReadOnlyList<EngineSettings> all = _engine.ReadAll(parsed);
        all.Select(s => s.DeviceName(_tool)).Distinct().ToList().ForEach(_tool.Backends.Check);
        string name = parsed.GetValue(_model)!;
        using IModelSource model = ModelFiles.Open(name);
        int longest = Longest(tests, model);
        EngineOptions Options(EngineOptions options) => options with
        {
            Context = longest,
            Fuse = !parsed.GetValue(_noFuse),
            Profile = parsed.GetValue(_perOp),
        };
        List<OpTable> ops = [];
        try
        {
            foreach (EngineSettings settings in all)
            {
                ops.AddRange(RunOn(settings with { Options = Options(settings.Options) }, (name, model), tests, repetitions, output));
            }
        }
        finally
        {
            output.End();
        }

        ops.ForEach(table => table.Write(_tool.Terminal));
        return ExitCodes.Ok;
    }

    private IReadOnlyList<BenchTest> Tests(ParseResult parsed)
    {
        IReadOnlyList<int> Read(Option<string?> option, int usual) =>
            parsed.GetValue(option) is { } list ? WholeNumbers.Parse(list, option.Name, 0) : [usual];
        IReadOnlyList<BenchTest> tests = BenchTest.All(Read(_prompt, 512), Read(_generated, 128), Read(_depth, 0));
        return tests.Count > 0 ? tests : throw new UserErrorException("bench: -p and -n are both 0, so there is no test; give one of them");
    }

    /// <summary>The most tokens of a test and the entries before it.</summary>
    private static int Longest(IReadOnlyList<BenchTest> tests, IModelSource model)
    {
        BenchTest longest = tests.MaxBy(t => (long)t.Depth + t.Tokens);
        long tokens = (long)longest.Depth + longest.Tokens;
        return tokens <= model.Config.ContextLimit ? (int)tokens : throw new UserErrorException(
            $"{longest.Name}: these are {tokens} tokens, but {model.Name} has a context of {model.Config.ContextLimit}; "
            + "take fewer (-p, -n, -d)");
    }

    /// <summary>Runs all tests on one device with one number of threads; returns its tables of operations, if any are wanted.</summary>
    private List<OpTable> RunOn(
        EngineSettings settings, (string Name, IModelSource Source) model, IReadOnlyList<BenchTest> tests, int repetitions,
        BenchOutput output)
    {
        _tool.Backends.CloseDevices();
        Device device = settings.OpenDevice(_tool);
        using Engine engine = settings.Open(_tool, model.Source, device);
        BenchSetup setup = Setup(BenchModel.Of(model.Name, model.Source), settings, device, engine);
        ElementType weights = MainType(engine.Lowered.Graph);
        Roof Measure() => Roof.Of(_tool.Backends.MeasurePeaks(device, settings.Options.Precision, weights));
        using BenchRunner runner = new(engine, tests.Max(t => t.Depth + t.Tokens), _tool.Cancellation);
        List<OpTable> ops = [];
        Roof before = Measure();
        foreach (BenchTest test in tests)
        {
            DateTimeOffset start = TimeProvider.System.GetUtcNow();
            BenchTimes times = RunTest(runner, setup, test, repetitions);
            Roof after = Measure();
            Work work = Work.Of(engine.Lowered.Graph, test, engine.MaxTokens);
            BenchRow row = new(setup, test, start, times.Nanoseconds, work, before.Or(after));
            output.Add(row);
            before = after;
            if (settings.Options.Profile)
            {
                ops.Add(new OpTable(row, engine.Lowered, times.Ops));
            }
        }

        FallbackNotes.Write(engine.Ledger);
        return ops;
    }

    private BenchTimes RunTest(BenchRunner runner, BenchSetup setup, BenchTest test, int repetitions)
    {
        string what = $"{setup.Model.Name} on {setup.Device}, {test.Name}";
        using Progress progress = new(_tool.Terminal, $"{what}: warming up");
        return runner.Run(test, repetitions, i => progress.Report($"{what}: {i} of {repetitions}"));
    }

    private BenchSetup Setup(BenchModel model, EngineSettings settings, Device device, Engine engine) => new(
        model,
        _tool.Backends.Devices().First(d => d.Backend == "cpu").Info.Name,
        _tool.Backends.BackendOf(device).Name,
        device.Id,
        settings.Tier ?? _tool.Backends.InfoOf(device).Tiers.FirstOrDefault(),
        BackendRegistry.ThreadsOf(device, settings.Threads),
        EngineArguments.Name(settings.Options.Precision),
        engine.KvType,
        engine.MaxTokens);

    /// <summary>The type of most of the weights that products read.</summary>
    private static ElementType MainType(Graph graph) => graph.Constants.Where(c => c.Type.Rank > 1)
        .GroupBy(c => c.Type.Element).MaxBy(g => g.Sum(c => c.Type.Shape.Elements(default)))!.Key;
}
