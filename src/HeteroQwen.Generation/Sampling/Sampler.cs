using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>
/// Chooses the tokens of one answer. Temperature aside, each filter keeps the first so many tokens in order of falling logit and,
/// among equals, rising id. Probabilities are in double. Without allocation once it runs, save when penalties meet new ids.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly Penalties? _penalties;
    private readonly Candidates? _candidates;
    private readonly int _vocabSize;
    private readonly int _promptTokens;
    private long _drawn;

    /// <summary>Prepares for the answer to a prompt.</summary>
    /// <exception cref="UserErrorException">An option is out of its range, or the bias names an id outside the vocabulary.</exception>
    public Sampler(SamplingOptions options, ReadOnlySpan<int> prompt, int vocabSize)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check(vocabSize);
        (_options, _vocabSize, _promptTokens) = (options, vocabSize, prompt.Length);
        _penalties = Penalties.Needed(options) ? new Penalties(options, prompt, vocabSize) : null;
        _candidates = options.IsGreedy ? null : new Candidates(vocabSize, options.TopK > 0 ? options.TopK : vocabSize);
    }

    /// <summary>The next token, from one row of logits. -inf rules a token out.</summary>
    /// <exception cref="UserErrorException">A logit is NaN or +inf, or all are -inf.</exception>
    public int Choose(ReadOnlySpan<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, _vocabSize);
        ReadOnlySpan<float> scores = _penalties is null ? logits : _penalties.Apply(logits);
        int best = Best(scores);
        if (best < 0)
        {
            throw BadLogits.Of(scores, $"after {_promptTokens + _drawn} tokens");
        }

        int id = _candidates is null ? best : Draw(_candidates, scores, scores[best]);
        _penalties?.Add(id);
        _drawn++;
        return id;
    }

    private int Draw(Candidates candidates, ReadOnlySpan<float> scores, float best)
    {
        candidates.Load(scores);
        candidates.Weigh(best, _options.Temperature);
        if (_options.TopP < 1)
        {
            candidates.KeepShare(_options.TopP);
        }

        if (_options.MinP > 0)
        {
            candidates.KeepHeavy(_options.MinP);
        }

        return candidates.Pick(CounterRandom.Unit(_options.Seed, _options.Sequence, _drawn));
    }

    /// <summary>The first of the largest scores; -1 where a score is NaN or +inf, or all are -inf.</summary>
    private static int Best(ReadOnlySpan<float> scores)
    {
        (int best, float first) = (-1, float.NegativeInfinity);
        for (int i = 0; i < scores.Length; i++)
        {
            float score = scores[i];
            if (score > first)
            {
                (best, first) = (i, score);
            }
            else if (float.IsNaN(score))
            {
                return -1;
            }
        }

        return float.IsPositiveInfinity(first) ? -1 : best;
    }
}
