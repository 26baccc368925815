using System.Diagnostics;
using System.Text.Json;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>
/// Answers the prompts of a file, several at once, an object of JSON per line in the order of the file. A prompt draws as it would
/// alone: each has the seed, and none a stream of its own.
/// </summary>
internal sealed class PromptsRun
{
    public const int DefaultParallel = 8;
    public const int DefaultTokens = 256;

    private readonly Terminal _terminal;
    private readonly Engine _engine;
    private readonly IReadOnlyList<NumberedPrompt> _prompts;
    private readonly Action<Utf8JsonWriter>?[] _lines;
    private int _written;
    private int _refused;

    public PromptsRun(Terminal terminal, Engine engine, IReadOnlyList<NumberedPrompt> prompts)
    {
        (_terminal, _engine, _prompts) = (terminal, engine, prompts);
        _lines = new Action<Utf8JsonWriter>?[prompts.Count];
    }

    /// <param name="tokenizer">Makes text of the answers.</param>
    /// <param name="stops">Texts that end an answer.</param>
    /// <param name="common">What the requests have in common.</param>
    /// <param name="cancellation">Ends all answers.</param>
    /// <returns>The exit code.</returns>
    public int Run(QwenTokenizer tokenizer, IReadOnlyList<string> stops, GenerationRequest common, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        List<GenerationRequest> requests = [];
        for (int i = 0; i < _prompts.Count; i++)
        {
            GenerationRequest request = common with { Prompt = _prompts[i].Ids, Text = new(tokenizer, stops) };
            int index = i;
            request = request with { OnEnd = result => End(index, request, result) };
            if (Fits(index, request))
            {
                requests.Add(request);
            }
        }

        IReadOnlyList<GenerationResult> results = Generator.RunAll(_engine, requests, cancellation);
        FallbackNotes.Write(_engine.Ledger);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        int tokens = results.Sum(r => r.Ids.Count);
        Terminal.Note(
            $"[{results.Count} prompts answered, {_refused} refused; {results.Sum(r => r.PromptTokens)} prompt tokens and {tokens} answer "
            + $"tokens in {Units.Seconds(seconds)}, {Units.Rate(tokens / seconds)} answer tokens/s]");
        return results.Any(r => r.FinishReason == FinishReason.Cancelled) ? ExitCodes.Interrupted
            : _refused > 0 ? ExitCodes.CheckFailed
            : ExitCodes.Ok;
    }

    private bool Fits(int index, GenerationRequest request)
    {
        try
        {
            Generator.CheckFits(_engine, request);
            return true;
        }
        catch (UserErrorException e)
        {
            _refused++;
            Terminal.Refuse($"{_prompts[index].File}, line {_prompts[index].Line}: {e.Message}");
            Write(index, json => json.WriteString("error", e.Message));
            return false;
        }
    }

    private void End(int index, GenerationRequest request, GenerationResult result) =>
        Write(index, json => RunJson.Write(json, request, result, _engine.Ledger));

    /// <summary>Keeps a line's fields, and writes this and those after it if all before are written.</summary>
    private void Write(int index, Action<Utf8JsonWriter> fields)
    {
        _lines[index] = fields;
        for (; _written < _lines.Length && _lines[_written] is { } line; _written++)
        {
            _lines[_written] = null;
            int number = _prompts[_written].Line;
            _terminal.WriteJsonLine(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("line", number);
                line(json);
                json.WriteEndObject();
            });
        }

        _terminal.Out.Flush();
    }
}
