using System.Diagnostics;

namespace HeteroQwen.Generation;

/// <summary>
/// An answer in the making: its sequence, which may hold the beginning of the prompt, the tokens that are still to be run, and what
/// came out so far.
/// </summary>
internal sealed class Answer(Engine engine, GenerationRequest request, Sequence sequence)
{
    private readonly int _reused = sequence.Length;
    private readonly Sampler? _sampler = request.Sampling is { } options
        ? new Sampler(options, request.Prompt.Span, engine.Config.VocabSize)
        : null;
    private readonly List<int> _ids = [];
    private readonly List<float> _margins = [];
    private readonly List<float> _rms = [];
    private readonly int[] _last = new int[1];
    private readonly long _started = Stopwatch.GetTimestamp();
    private ReadOnlyMemory<int> _pending = request.Prompt[sequence.Length..];
    private long _first;
    private long _latest;

    /// <summary>
    /// The next step's part of this answer, of at most <paramref name="most"/> tokens. Logits come only with the last chunk of a prompt.
    /// </summary>
    public StepItem Take(int most)
    {
        ReadOnlyMemory<int> chunk = _pending[..Math.Min(most, _pending.Length)];
        _pending = _pending[chunk.Length..];
        return new StepItem(sequence, chunk, _pending.IsEmpty ? RowsWanted.Last : RowsWanted.None);
    }

    /// <summary>Chooses the next token and says why the answer ends with it, or null.</summary>
    public FinishReason? Accept(ReadOnlySpan<float> logits)
    {
        Choice choice = Greedy.Choose(logits);
        if (!float.IsFinite(choice.Rms))
        {
            throw BadLogits.Of(logits, $"after {sequence.Length} tokens of {engine.Name}");
        }

        int id = _sampler?.Choose(logits) ?? choice.Id;
        _latest = Stopwatch.GetTimestamp();
        _first = _first == 0 ? _latest : _first;
        _ids.Add(id);
        _margins.Add(choice.Margin);
        _rms.Add(choice.Rms);
        _last[0] = id;
        _pending = _last;
        request.OnToken?.Invoke(id);
        bool stops = request.Text?.Append(id) ?? false;
        return stops || engine.StopIds.Contains(id) ? FinishReason.Stop : EndOf(engine, request, _ids.Count);
    }

    /// <summary>Why a request ends after so many tokens of answer, or null if it goes on.</summary>
    public static FinishReason? EndOf(Engine engine, GenerationRequest request, int tokens) =>
        tokens >= request.MaxTokens ? FinishReason.Length
        : request.Prompt.Length + tokens >= engine.SequenceLimit ? FinishReason.Context
        : null;

    public GenerationResult Result(FinishReason reason)
    {
        request.Text?.Finish();
        double prefill = Stopwatch.GetElapsedTime(_started, _first).TotalSeconds;
        double decode = Stopwatch.GetElapsedTime(_first, _latest).TotalSeconds;
        return new GenerationResult(
            _ids, _margins, _rms, reason, request.Prompt.Length,
            _ids.Count > 0 && prefill > 0 ? (request.Prompt.Length - _reused) / prefill : 0,
            _ids.Count > 1 && decode > 0 ? (_ids.Count - 1) / decode : 0)
        {
            ReusedTokens = _reused,
        };
    }
}
