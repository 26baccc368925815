using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>Answers the turns of a chat. The text so far stays in the KV pool: a turn reads what differs from it.</summary>
internal sealed class ChatAnswerer(Tool tool, Engine engine, ModelText model, SamplingOptions sampling, GenerationSettings settings)
    : IDisposable
{
    private readonly CachedText _text = new(engine);
    private readonly QwenTokenizer _tokenizer = model.RequireTokenizer();
    private int _answers;

    /// <summary>Prints the answer and a line about it, and returns the text, thinking included.</summary>
    /// <exception cref="UserErrorException">The context is full, or the model failed.</exception>
    public string Answer(ChatRequest asked)
    {
        int[] prompt = model.Template.Render(asked).Encode(_tokenizer);
        if (prompt.Length >= engine.SequenceLimit)
        {
            throw new UserErrorException(
                $"the context is full: with this turn the conversation has {prompt.Length} tokens of {engine.SequenceLimit}, and it stays as it "
                + "was before; /reset it, or /save it and start with a larger context (-c)");
        }

        AnswerPrinter printer = new(tool.Terminal, _tokenizer, stops: settings.Sampling.Stops);
        GenerationRequest request = new(prompt)
        {
            MaxTokens = settings.MaxTokens,
            Sampling = sampling with { Sequence = _answers },
            Text = printer.Text,
        };
        GenerationResult result;
        try
        {
            result = tool.Interruption.Stoppable(cancellation => _text.Continue(request, cancellation));
        }
        finally
        {
            printer.End();
        }

        if (_answers++ == 0)
        {
            FallbackNotes.Write(engine.Ledger);
        }

        tool.Terminal.Aside(Describe(result));
        return WithoutStop(printer.Text!.ToString(), result);
    }

    public void Dispose() => _text.Dispose();

    private string WithoutStop(string text, GenerationResult result)
    {
        string stop = result.Ids.Count > 0 && engine.StopIds.Contains(result.Ids[^1]) ? _tokenizer.PieceOf(result.Ids[^1]) : "";
        return text.EndsWith(stop, StringComparison.Ordinal) ? text[..^stop.Length] : text;
    }

    private string Describe(GenerationResult result)
    {
        int used = result.PromptTokens + result.Ids.Count;
        string end = result.FinishReason switch
        {
            FinishReason.Context => "; the context is full: /reset, or /save and start with a larger -c",
            FinishReason.Length => "; as long as asked for",
            FinishReason.Cancelled => "; interrupted",
            _ => "",
        };
        int read = result.PromptTokens - result.ReusedTokens;
        return $"[{read} prompt {(read == 1 ? "token" : "tokens")} read at {Units.Rate(result.PrefillRate)} t/s, "
            + $"{result.ReusedTokens} reused; {result.Ids.Count} answer tokens at {Units.Rate(result.DecodeRate)} t/s; "
            + $"context {used} of {engine.SequenceLimit}{end}]";
    }
}
