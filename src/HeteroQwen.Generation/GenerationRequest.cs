namespace HeteroQwen.Generation;

/// <summary>A prompt to be continued.</summary>
/// <param name="Prompt">Its tokens, at least one.</param>
public sealed record GenerationRequest(ReadOnlyMemory<int> Prompt)
{
    /// <summary>The most tokens of the answer; null for the rest of the context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen; null for the largest logit.</summary>
    public SamplingOptions? Sampling { get; init; }

    /// <summary>Receives the tokens as text, and ends the answer at its stop strings. It serves one request.</summary>
    public AnswerText? Text { get; init; }

    /// <summary>Called with each token as soon as it is chosen, the stop token included.</summary>
    public Action<int>? OnToken { get; init; }

    /// <summary>Called with the answer as soon as it is complete, while others may still be in the making.</summary>
    public Action<GenerationResult>? OnEnd { get; init; }
}
