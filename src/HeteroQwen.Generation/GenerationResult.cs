namespace HeteroQwen.Generation;

/// <summary>Why an answer ended; in JSON in lower case.</summary>
public enum FinishReason
{
    /// <summary>The model gave a stop token or a stop string.</summary>
    Stop,

    /// <summary>The answer has as many tokens as were asked for.</summary>
    Length,

    /// <summary>Prompt and answer fill the context.</summary>
    Context,

    /// <summary>The caller cancelled.</summary>
    Cancelled,
}

/// <summary>An answer.</summary>
/// <param name="Ids">Its tokens, the stop token included.</param>
/// <param name="Margins">Per token the distance of the two best logits, before bias and penalties.</param>
/// <param name="Rms">Per token the root mean square of its row of logits.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="PrefillRate">Prompt tokens, less those reused, per second up to the first token; 0 if there was none.</param>
/// <param name="DecodeRate">Tokens per second after the first; 0 if there were fewer than two.</param>
public sealed record GenerationResult(
    IReadOnlyList<int> Ids,
    IReadOnlyList<float> Margins,
    IReadOnlyList<float> Rms,
    FinishReason FinishReason,
    int PromptTokens,
    double PrefillRate,
    double DecodeRate)
{
    /// <summary>Tokens of the prompt whose entries were in the cache already.</summary>
    public int ReusedTokens { get; init; }
}
