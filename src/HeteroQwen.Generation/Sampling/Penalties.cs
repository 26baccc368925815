using System.Runtime.InteropServices;

namespace HeteroQwen.Generation;

/// <summary>The logits of an answer's next token after bias and penalties, which depend on the ids so far.</summary>
internal sealed class Penalties
{
    private readonly SamplingOptions _options;
    private readonly float[] _scores;

    /// <summary>How often each id seen is in the answer; 0 for those of the prompt alone.</summary>
    private readonly Dictionary<int, int> _counts = [];
    private readonly KeyValuePair<int, double>[] _bias;

    public Penalties(SamplingOptions options, ReadOnlySpan<int> prompt, int vocabSize)
    {
        _options = options;
        _scores = new float[vocabSize];
        _bias = [.. options.LogitBias];
        foreach (int id in options.RepetitionPenalty == 1 ? [] : prompt)
        {
            _counts[id] = 0;
        }
    }

    public static bool Needed(SamplingOptions options) =>
        options.RepetitionPenalty != 1 || options.PresencePenalty != 0 || options.FrequencyPenalty != 0 || options.LogitBias.Count > 0;

    /// <summary>Valid until the next call.</summary>
    public ReadOnlySpan<float> Apply(ReadOnlySpan<float> logits)
    {
        logits.CopyTo(_scores);
        foreach ((int id, double bias) in _bias)
        {
            _scores[id] = (float)(_scores[id] + bias);
        }

        foreach ((int id, int count) in _counts)
        {
            double score = _scores[id];
            score = score > 0 ? score / _options.RepetitionPenalty : score * _options.RepetitionPenalty;
            _scores[id] = (float)(score - (count * _options.FrequencyPenalty) - (count > 0 ? _options.PresencePenalty : 0));
        }

        return _scores;
    }

    public void Add(int id) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, id, out _)++;
}
