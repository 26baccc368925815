using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>The options of the commands that answer: model, device, sizes and sampling.</summary>
/// <param name="count">What <c>-n</c> means.</param>
internal sealed class GenerationArguments(string count)
{
    private readonly Option<string> _model = Arguments.Model();
    private readonly EngineArguments _engine = new(Precision.Fast);
    private readonly SamplingArguments _sampling = new();
    private readonly Option<string?> _count = Arguments.Text("-n", "N", count);
    private readonly Option<string?> _context = Arguments.Text(
        "-c", "CONTEXT", "Tokens that prompts and answers may have together; the model's limit or 4096 unless given", "--context");
    private readonly Option<bool> _noFuse = Arguments.Flag("--no-fuse", "Open every block into the ops it is made of");

    public void AddTo(Command command)
    {
        command.Options.Add(_model);
        _engine.AddTo(command);
        _sampling.AddTo(command);
        foreach (Option option in (ReadOnlySpan<Option>)[_count, _context, _noFuse])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="UserErrorException">A value is wrong.</exception>
    public GenerationSettings Read(ParseResult parsed)
    {
        EngineSettings engine = _engine.Read(parsed);
        int? context = Arguments.Whole(parsed, _context, 1);
        engine = engine with { Options = engine.Options with { Context = context, Fuse = !parsed.GetValue(_noFuse) } };
        return new(parsed.GetValue(_model)!, engine, _sampling.Read(parsed), Arguments.Whole(parsed, _count, 0));
    }
}

/// <summary>What <see cref="GenerationArguments"/> say.</summary>
internal sealed record GenerationSettings(string Model, EngineSettings Engine, SamplingSettings Sampling, int? MaxTokens);
