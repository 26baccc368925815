using System.CommandLine;
using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>run</c>: answers one prompt.</summary>
internal sealed class RunCommand
{
    private readonly Tool _tool;
    private readonly PromptReader _prompt = new();
    private readonly EngineArguments _engine = new(Precision.Fast);
    private readonly Option<string> _model = Arguments.Model();
    private readonly Option<string?> _count = Arguments.Text(
        "-n", "N", "The most tokens of the answer; the rest of the context unless given");
    private readonly Option<string?> _context = Arguments.Text(
        "-c", "CONTEXT", "Tokens that prompt and answer may have together; the model's limit or 4096 unless given", "--context");
    private readonly SamplingArguments _sampling = new();
    private readonly Option<bool> _noFuse = Arguments.Flag("--no-fuse", "Open every block into the ops it is made of");
    private readonly Option<bool> _json = Arguments.Json();

    private RunCommand(Tool tool) => _tool = tool;

    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        RunCommand self = new(tool);
        Command command = new("run", "Answer a prompt.") { self._model };
        self._prompt.AddTo(command);
        self._engine.AddTo(command);
        self._sampling.AddTo(command);
        foreach (Option option in (ReadOnlySpan<Option>)[self._count, self._context, self._noFuse, self._json])
        {
            command.Options.Add(option);
        }

        command.SetAction(self.Run);
        return (command,
        [
            "heteroqwen run \"What is 47 + 85?\"",
            "heteroqwen run -m tiny-moe -b reference --no-think --temp 0.7 --top-p 0.9 --seed 1 \"日本的首都是哪里？\"",
        ]);
    }

    private int Run(ParseResult parsed)
    {
        EngineSettings settings = Read(parsed);
        SamplingSettings sampling = _sampling.Read(parsed);
        int? most = Arguments.Whole(parsed, _count, 0);
        Device device = settings.OpenDevice(_tool);
        ModelText text = ModelSource.OpenText(parsed.GetValue(_model)!);
        int[] prompt = _prompt.Read(parsed, text);
        QwenTokenizer? tokenizer = text.Tokenizer;
        sampling.CheckStops(tokenizer);
        using IModelSource model = ModelFiles.Open(parsed.GetValue(_model)!);
        GenerationRequest request = new(prompt) { MaxTokens = most, Sampling = sampling.Over(model.Generation) };
        using Engine engine = settings.Open(_tool, model, device);
        return parsed.GetValue(_json)
            ? AnswerInJson(engine, request with { Text = tokenizer is null ? null : new(tokenizer, sampling.Stops) })
            : Answer(engine, new(_tool.Terminal, tokenizer, stops: sampling.Stops), request, settings.Options.Precision, device);
    }

    private EngineSettings Read(ParseResult parsed)
    {
        EngineSettings settings = _engine.Read(parsed);
        int? context = Arguments.Whole(parsed, _context, 1);
        return settings with { Options = settings.Options with { Context = context, Fuse = !parsed.GetValue(_noFuse) } };
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
            json.WriteNumbers("ids", result.Ids);
            json.WriteString("text", request.Text?.ToString());
            json.WriteString("finish_reason", result.FinishReason.ToString().ToLowerInvariant());
            json.WriteNumber("prompt_tokens", result.PromptTokens);
            json.WriteNumber("prefill_ts", result.PrefillRate);
            json.WriteNumber("decode_ts", result.DecodeRate);
            json.WriteNumbers("margins", result.Margins);
            json.WriteNumbers("rms", result.Rms);
            if (request.Sampling is { IsGreedy: false } sampling)
            {
                json.WriteNumber("seed", sampling.Seed);
            }

            FallbackNotes.WriteJson(json, engine.Ledger);
            json.WriteEndObject();
        });
        return CodeOf(result);
    }

    private static int CodeOf(GenerationResult result) =>
        result.FinishReason == FinishReason.Cancelled ? ExitCodes.Interrupted : ExitCodes.Ok;
}
