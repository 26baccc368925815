using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>
/// A text whose entries stay in the KV pool from answer to answer: of a prompt, only what follows the beginning that it shares with
/// the text is run.
/// </summary>
public sealed class CachedText(Engine engine) : IDisposable
{
    private readonly Sequence _sequence = engine.NewSequence();

    /// <summary>The token of each entry.</summary>
    private int[] _ids = [];

    /// <summary>Entries.</summary>
    public int Length => _sequence.Length;

    /// <summary>Continues a prompt; the text is then the prompt and its answer, as far as they were run.</summary>
    /// <exception cref="UserErrorException">The prompt is empty, too long, or has ids outside the vocabulary, or an option is wrong.</exception>
    public GenerationResult Continue(GenerationRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        Generator.Check(engine, request);
        List<int> text = [.. request.Prompt.Span];

        // The last token is run even where its entry is there: only that gives its logits.
        _sequence.Truncate(Math.Min(request.Prompt.Span.CommonPrefixLength(_ids), text.Count - 1));
        try
        {
            return Generator.Run(engine, request with { OnToken = Add }, _sequence, cancellation);
        }
        finally
        {
            _ids = [.. text.Take(_sequence.Length)];
        }

        void Add(int id)
        {
            text.Add(id);
            request.OnToken?.Invoke(id);
        }
    }

    public void Dispose() => _sequence.Dispose();
}
