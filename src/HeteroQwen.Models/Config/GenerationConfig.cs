using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>How the model's makers want tokens chosen: <c>generation_config.json</c>, or greedy without one.</summary>
public sealed record GenerationConfig
{
    public const double MostTemperature = 100;
    public const int MostTopK = 1 << 24;
    public const double LeastRepetitionPenalty = 0.01;
    public const double MostRepetitionPenalty = 100;

    /// <summary>Presence and frequency penalties lie between this and its negative.</summary>
    public const double MostPenalty = 2;

    /// <summary>What transformers takes where the file names none.</summary>
    internal const int DefaultTopK = 50;

    /// <summary>Settings that would change the answer, with the value at which they do not.</summary>
    private static readonly ImmutableArray<(string Key, double Neutral)> s_ignored =
        [("no_repeat_ngram_size", 0), ("num_beams", 1), ("typical_p", 1)];

    /// <summary>Tokens that end the answer: this file's, else those of <c>config.json</c>; may be empty.</summary>
    public ImmutableArray<int> EosTokenIds { get; init; } = [];

    /// <summary>False: greedy, whatever temperature and filters say; penalties hold all the same.</summary>
    public bool DoSample { get; init; }

    /// <summary>0 means greedy.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>0 means all tokens.</summary>
    public int TopK { get; init; }

    public double TopP { get; init; } = 1;

    public double MinP { get; init; }

    /// <summary>1 means none.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    public double PresencePenalty { get; init; }

    public double FrequencyPenalty { get; init; }

    /// <summary>Reads the file; one that does not exist gives greedy defaults.</summary>
    /// <param name="path">Path of <c>generation_config.json</c>.</param>
    /// <param name="config">The model that it belongs to.</param>
    /// <param name="warnings">Gets a sentence for each setting that is not honoured.</param>
    /// <exception cref="HeteroQwen.Ir.UserErrorException">The file is malformed.</exception>
    public static GenerationConfig Load(string path, Qwen3Config config, ICollection<string>? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!File.Exists(path))
        {
            return new GenerationConfig { EosTokenIds = config.EosTokenIds };
        }

        JsonFields json = JsonFields.Load(path);
        foreach ((string key, double neutral) in s_ignored)
        {
            if (json.NumberOrNull(key, -1e9, 1e9) is { } value && value != neutral)
            {
                warnings?.Add($"{path}: {key} is {value}, which is not supported and was ignored");
            }
        }

        return new GenerationConfig
        {
            EosTokenIds = json.IntOrIntsOrNull("eos_token_id", 0, config.VocabSize - 1) ?? config.EosTokenIds,
            DoSample = json.Flag("do_sample", false),
            Temperature = json.NumberOrNull("temperature", 0, MostTemperature) ?? 1,
            TopK = json.IntOrNull("top_k", 0, MostTopK) ?? DefaultTopK,
            TopP = json.NumberOrNull("top_p", 1e-6, 1) ?? 1,
            MinP = json.NumberOrNull("min_p", 0, 1) ?? 0,
            RepetitionPenalty = json.NumberOrNull("repetition_penalty", LeastRepetitionPenalty, MostRepetitionPenalty) ?? 1,
            PresencePenalty = json.NumberOrNull("presence_penalty", -MostPenalty, MostPenalty) ?? 0,
            FrequencyPenalty = json.NumberOrNull("frequency_penalty", -MostPenalty, MostPenalty) ?? 0,
        };
    }
}
