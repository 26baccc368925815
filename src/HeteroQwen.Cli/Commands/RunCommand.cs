using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>run</c>: answers one prompt, or those of a file.</summary>
internal sealed class RunCommand
{
    private const int MostParallel = 512;

    private readonly Tool _tool;
    private readonly PromptReader _prompt = new();
    private readonly GenerationArguments _generation = new(
        $"The most tokens of an answer; the rest of the context unless given, with --prompts {PromptsRun.DefaultTokens}");
    private readonly Option<string?> _parallel = Arguments.Text(
        "--parallel", "N", $"Prompts of --prompts that are answered at once; {PromptsRun.DefaultParallel} unless given");
    private readonly Option<bool> _json = Arguments.Json();

    private RunCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        RunCommand self = new(tool);
        Command command = new("run", "Answer a prompt, or each line of a file.");
        self._prompt.AddTo(command);
        self._generation.AddTo(command);
        command.Options.Add(self._parallel);
        command.Options.Add(self._json);
        command.SetAction(self.Run);
        return (command,
        [
            "heteroqwen run -m tiny-moe -b reference --no-think --temp 0.7 --top-p 0.9 --seed 1 \"日本的首都是哪里？\"",
            "printf 'What is 47 + 85?\\nSort: 5 2 9 1\\n' | heteroqwen run --prompts - --no-think",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        GenerationSettings settings = _generation.Read(parsed);
        return _prompt.IsSeveral(parsed) ? RunSeveral(parsed, settings) : RunOne(parsed, settings);
    }

    private int RunOne(ParseResult parsed, GenerationSettings settings)
    {
        if (parsed.GetValue(_parallel) is not null)
        {
            throw new UserErrorException("run: --parallel is for several prompts; give them with --prompts, or leave it out");
        }

        Device device = settings.Engine.OpenDevice(_tool);
        using IModelSource model = ModelFiles.Open(settings.Model);
        model.Text.BeginTokenizer();
        Func<ModelText, int[]> prompt = _prompt.Read(parsed);
        SamplingOptions sampling = settings.Sampling.Over(model.Generation);
        using Engine engine = settings.Engine.Open(_tool, model, device);
        QwenTokenizer? tokenizer = model.Text.Tokenizer;
        settings.Sampling.CheckStops(tokenizer);
        GenerationRequest request = new(prompt(model.Text)) { MaxTokens = settings.MaxTokens, Sampling = sampling };
        IReadOnlyList<string> stops = settings.Sampling.Stops;
        return parsed.GetValue(_json)
            ? AnswerInJson(engine, request with { Text = tokenizer is null ? null : new(tokenizer, stops) })
            : Answer(engine, new(_tool.Terminal, tokenizer, stops: stops), request, settings.Engine.Options.Precision, device);
    }

    private int RunSeveral(ParseResult parsed, GenerationSettings settings)
    {
        int parallel = Arguments.Whole(parsed, _parallel, 1, MostParallel) ?? PromptsRun.DefaultParallel;
        Device device = settings.Engine.OpenDevice(_tool);
        using IModelSource model = ModelFiles.Open(settings.Model);
        model.Text.BeginTokenizer();
        IReadOnlyList<NumberedPrompt> prompts = _prompt.ReadAll(parsed, model.Text);
        GenerationRequest common = new(ReadOnlyMemory<int>.Empty)
        {
            MaxTokens = settings.MaxTokens ?? PromptsRun.DefaultTokens,
            Sampling = settings.Sampling.Over(model.Generation),
        };
        EngineOptions options = settings.Engine.Options with { MaxSequences = Math.Min(parallel, prompts.Count) };
        using Engine engine = (settings.Engine with { Options = options }).Open(_tool, model, device);
        return new PromptsRun(_tool.Terminal, engine, prompts)
            .Run(model.Text.RequireTokenizer(), settings.Sampling.Stops, common, _tool.Cancellation);
    }

    private int Answer(Engine engine, AnswerPrinter printer, GenerationRequest request, Precision precision, Device device)
    {
        request = printer.Text is null ? request with { OnToken = printer.Print } : request with { Text = printer.Text };
        GenerationResult result = Generator.Run(engine, request, _tool.Cancellation);
        printer.End();
        FallbackNotes.Write(engine.Ledger);
        string end = result.FinishReason switch
        {
            FinishReason.Context => $"the context of {engine.SequenceLimit} is full",
            FinishReason.Length => "as long as asked for",
            FinishReason.Cancelled => "interrupted",
            _ => "complete",
        };
        Terminal.Note(
            $"[{result.PromptTokens} prompt tokens at {Units.Rate(result.PrefillRate)} t/s, "
            + $"{result.Ids.Count} answer tokens at {Units.Rate(result.DecodeRate)} t/s, {end}; "
            + $"{SamplingSettings.Describe(request.Sampling!)}{EngineArguments.Name(precision)}, kv {engine.KvType.Name()}, {device.Id}]");
        return CodeOf(result);
    }

    private int AnswerInJson(Engine engine, GenerationRequest request)
    {
        GenerationResult result = Generator.Run(engine, request, _tool.Cancellation);
        FallbackNotes.Write(engine.Ledger);
        _tool.Terminal.WriteJson(json =>
        {
            json.WriteStartObject();
            RunJson.Write(json, request, result, engine.Ledger);
            json.WriteEndObject();
        });
        return CodeOf(result);
    }

    private static int CodeOf(GenerationResult result) =>
        result.FinishReason == FinishReason.Cancelled ? ExitCodes.Interrupted : ExitCodes.Ok;
}
