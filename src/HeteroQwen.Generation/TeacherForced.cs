using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>Receives the logits of one position; the span is valid during the call.</summary>
public delegate void LogitsRow(int position, ReadOnlySpan<float> logits);

/// <summary>The logits of every position of a given text.</summary>
public static class TeacherForced
{
    /// <summary>Runs the tokens in chunks and hands over each position's logits, in order.</summary>
    /// <param name="engine">Opened with <see cref="EngineOptions.AllRows"/>, else each chunk is one token.</param>
    /// <param name="tokens">The text.</param>
    /// <param name="row">Receives the logits.</param>
    /// <param name="chunk">Tokens of a chunk; the largest possible if null.</param>
    /// <param name="cancellation">Ends the run between chunks.</param>
    /// <exception cref="UserErrorException">The text is empty, too long, or has ids outside the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static void Run(
        Engine engine, ReadOnlyMemory<int> tokens, LogitsRow row, int? chunk = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(row);
        Generator.CheckPrompt(engine, tokens.Span);
        int largest = (int)Math.Min(engine.Maxima.T, engine.Maxima.R);
        int size = Math.Clamp(chunk ?? largest, 1, largest);
        int vocab = engine.Config.VocabSize;
        using Sequence sequence = engine.NewSequence();
        while (sequence.Length < tokens.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            int start = sequence.Length;
            int count = Math.Min(size, tokens.Length - start);
            ReadOnlySpan<float> logits = engine.Step([new StepItem(sequence, tokens.Slice(start, count), RowsWanted.All)]);
            for (int i = 0; i < count; i++)
            {
                row(start + i, logits.Slice(i * vocab, vocab));
            }
        }
    }
}
