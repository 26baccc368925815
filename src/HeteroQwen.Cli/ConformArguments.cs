using System.Collections.Immutable;
using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Conformance;
using HeteroQwen.Conformance.Bisect;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>The options that <c>conform</c> hands on to its worker.</summary>
internal sealed class ConformArguments
{
    private const long DefaultSeed = 1;

    private readonly Option<string> _backend = Arguments.Backend();
    private readonly Option<string?> _plugin = Arguments.Plugin();
    private readonly Option<bool> _mutants = Arguments.Flag(
        "--mutants", "Try the suite on faulty backends too: those of --plugin PATH/HeteroQwen.Mutants.dll");
    private readonly Option<string?> _model = Arguments.Text("-m", "MODEL", "Judge a model of your own too", "--model");
    private readonly Option<string?> _profile = Arguments.Text("--profile", "quick|full", "How many cases; quick unless given");
    private readonly Option<string?> _precision = Arguments.Text("--precision", "exact|fast", "Judge one precision only; both unless given");
    private readonly Option<string?> _seed = Arguments.Text("--seed", "S", $"Seed of all inputs; {DefaultSeed} unless given");
    private readonly Option<string?> _case = Arguments.Text("--case", "FILE", "Run the case that bisect saved, and nothing else");

    public void AddTo(Command command)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[_backend, _plugin, _mutants, _model, _profile, _precision, _seed, _case])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The assembly of the mutants to be run; null for none.</summary>
    /// <exception cref="UserErrorException">Mutants are wanted, and no assembly is named.</exception>
    public string? Mutants(ParseResult parsed) => !parsed.GetValue(_mutants) ? null : parsed.GetValue(_plugin)
        ?? throw new UserErrorException(
            "--mutants: the mutants are no part of the tool; build tests/HeteroQwen.Mutants and add --plugin PATH/HeteroQwen.Mutants.dll");

    /// <summary>The plug-in that is judged: with --mutants the one that is named holds these.</summary>
    private string? Plugin(ParseResult parsed) => parsed.GetValue(_mutants) ? null : parsed.GetValue(_plugin);

    /// <summary>Loads a plug-in and returns what to open.</summary>
    public string Backend(ParseResult parsed, Tool tool)
    {
        string? own = Plugin(parsed) is { } path ? tool.Backends.AddPlugin(path) : null;
        return parsed.GetResult(_backend) is { Implicit: false } || own is null ? parsed.GetValue(_backend)! : own;
    }

    public SuiteOptions Suite(ParseResult parsed) => new(
        Arguments.Choice(parsed, _profile, "quick", "full") == "full" ? Profile.Full : Profile.Quick,
        Arguments.Choice(parsed, _precision, "exact", "fast") switch
        {
            null => SuiteOptions.BothPrecisions,
            "exact" => [Precision.Exact],
            _ => [Precision.Fast],
        },
        Arguments.Whole(parsed, _seed, 0) ?? DefaultSeed,
        parsed.GetValue(_model))
    {
        CaseFile = parsed.GetValue(_case) is { } file ? Readable(file) : null,
    };

    /// <summary>The options as they are written, for the worker and for lines that repeat a case.</summary>
    public ImmutableArray<string> Written(ParseResult parsed)
    {
        SuiteOptions suite = Suite(parsed);
        return
        [
            .. Plugin(parsed) is { } plugin ? (string[])["--plugin", plugin] : [],
            .. parsed.GetResult(_backend) is { Implicit: false } || Plugin(parsed) is null
                ? (string[])["-b", parsed.GetValue(_backend)!] : [],
            .. suite.Model is { } model ? (string[])["-m", model] : [],
            .. suite.Profile == Profile.Full ? (string[])["--profile", "full"] : [],
            .. suite.Precisions is [var only] ? (string[])["--precision", only.ToString().ToLowerInvariant()] : [],
            .. suite.CaseFile is { } file ? (string[])["--case", file] : [],
            "--seed", $"{suite.Seed}",
        ];
    }

    /// <summary>Told here rather than by the worker, so that a wrong file is one sentence.</summary>
    private static string Readable(string file)
    {
        _ = FileCase.Load(file);
        return file;
    }
}
