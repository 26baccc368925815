using System.Globalization;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>What the command line says of sampling; null where it leaves it to the model.</summary>
internal sealed record SamplingSettings
{
    public double? Temperature { get; init; }

    public int? TopK { get; init; }

    public double? TopP { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public double? PresencePenalty { get; init; }

    public double? FrequencyPenalty { get; init; }

    public required IReadOnlyDictionary<int, double> LogitBias { get; init; }

    public required IReadOnlyList<string> Stops { get; init; }

    public required int Seed { get; init; }

    /// <summary>An option that does nothing unless the model asks for sampling.</summary>
    public string? Useless { get; init; }

    /// <summary>
    /// The model's settings with those of the command line in their place. Notes on standard error an option that does nothing.
    /// </summary>
    public SamplingOptions Over(GenerationConfig config)
    {
        SamplingOptions own = SamplingOptions.Of(config);
        SamplingOptions options = own with
        {
            Temperature = Temperature ?? own.Temperature,
            TopK = TopK ?? own.TopK,
            TopP = TopP ?? own.TopP,
            MinP = MinP ?? own.MinP,
            RepetitionPenalty = RepetitionPenalty ?? own.RepetitionPenalty,
            PresencePenalty = PresencePenalty ?? own.PresencePenalty,
            FrequencyPenalty = FrequencyPenalty ?? own.FrequencyPenalty,
            LogitBias = LogitBias,
            Seed = Seed,
        };
        if (options.IsGreedy && Useless is not null)
        {
            Terminal.Note($"note: {Useless} does nothing, because this model's decoding is greedy; give a temperature too (--temp 0.7)");
        }

        return options;
    }

    /// <exception cref="UserErrorException">There are stop strings, but the model has no tokenizer.</exception>
    public void CheckStops(QwenTokenizer? tokenizer)
    {
        if (Stops.Count > 0 && tokenizer is null)
        {
            throw new UserErrorException("--stop: the model has no tokenizer, so that its answers are ids and no text; leave --stop out");
        }
    }

    /// <summary>What is not neutral of what the text depends on, as in <c>temp 0.6, top-k 20, seed 7; </c>.</summary>
    public static string Describe(SamplingOptions options)
    {
        (string Name, double Value, double Neutral)[] penalties =
        [
            ("repeat-penalty", options.RepetitionPenalty, 1), ("presence-penalty", options.PresencePenalty, 0),
            ("frequency-penalty", options.FrequencyPenalty, 0),
        ];
        (string Name, double Value, double Neutral)[] sampling =
        [
            ("temp", options.Temperature, double.NaN), ("top-k", options.TopK, 0), ("top-p", options.TopP, 1), ("min-p", options.MinP, 0),
            ("seed", options.Seed, double.NaN),
        ];
        string[] parts = [.. penalties.Concat(options.IsGreedy ? [] : sampling).Where(p => p.Value != p.Neutral)
            .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.Value}"))];
        return parts.Length == 0 ? "" : string.Join(", ", parts) + "; ";
    }
}
