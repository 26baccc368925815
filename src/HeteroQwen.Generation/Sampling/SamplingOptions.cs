using System.Globalization;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>
/// How tokens are chosen. In transformers' order: bias, repetition penalty, frequency and presence penalty, temperature, top-k,
/// top-p, min-p, then the draw. Unless set, all is neutral but the temperature, which is that of greedy decoding.
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>Biases lie between this and its negative.</summary>
    public const double MostBias = 100;

    /// <summary>Divides the logits; 0 takes the largest, the lower id among equals, whatever the filters and the seed.</summary>
    public double Temperature { get; init; }

    /// <summary>Keeps so many of the largest logits, the lower ids among equals; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the fewest tokens, the most probable first, whose probabilities sum to at least this; at least one.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least so many times as probable as the most probable one.</summary>
    public double MinP { get; init; }

    /// <summary>Divides a positive logit and multiplies a negative one if its token is in the prompt or the answer so far.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from the logit of each token that is in the answer so far.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Taken from the logit of a token as often as it is in the answer so far.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of these ids.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = new Dictionary<int, double>();

    /// <summary>With <see cref="Sequence"/> and the number of the token, all that a draw depends on beside the logits.</summary>
    public long Seed { get; init; }

    /// <summary>Tells apart answers that share a seed, such as the turns of a chat.</summary>
    public long Sequence { get; init; }

    public bool IsGreedy => Temperature == 0;

    /// <summary>What a model's makers want.</summary>
    public static SamplingOptions Of(GenerationConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new()
        {
            Temperature = config.DoSample ? config.Temperature : 0,
            TopK = config.TopK,
            TopP = config.TopP,
            MinP = config.MinP,
            RepetitionPenalty = config.RepetitionPenalty,
            PresencePenalty = config.PresencePenalty,
            FrequencyPenalty = config.FrequencyPenalty,
        };
    }

    /// <summary>Checks the ranges, and that the ids of the bias are of the vocabulary.</summary>
    /// <exception cref="UserErrorException">One is not.</exception>
    internal void Check(int vocabSize)
    {
        Check("temperature", Temperature, 0, GenerationConfig.MostTemperature);
        Check("top-k", TopK, 0, GenerationConfig.MostTopK);
        Check("top-p", TopP, 0, 1);
        Check("min-p", MinP, 0, 1);
        Check("repetition penalty", RepetitionPenalty, GenerationConfig.LeastRepetitionPenalty, GenerationConfig.MostRepetitionPenalty);
        Check("presence penalty", PresencePenalty, -GenerationConfig.MostPenalty, GenerationConfig.MostPenalty);
        Check("frequency penalty", FrequencyPenalty, -GenerationConfig.MostPenalty, GenerationConfig.MostPenalty);
        foreach ((int id, double bias) in LogitBias)
        {
            Check($"logit bias of token {id}", bias, -MostBias, MostBias);
            if (id < 0 || id >= vocabSize)
            {
                throw new UserErrorException(
                    $"the logit bias names token {id}, but the model has {vocabSize} tokens; take ids from 0 to {vocabSize - 1}");
            }
        }
    }

    private static void Check(string name, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
        {
            throw new UserErrorException(
                string.Create(CultureInfo.InvariantCulture, $"the {name} is {value}; take a number from {least} to {most}"));
        }
    }
}
