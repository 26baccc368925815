using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>Reads how tokens are to be chosen: <c>general.sampling.*</c>, which the converter copies from generation_config.json.</summary>
internal static class GgufGeneration
{
    /// <summary>Settings that would change the answer, with the value at which they do not.</summary>
    private static readonly ImmutableArray<(string Key, double Neutral)> s_ignored =
        [("penalty_last_n", -1), ("xtc_probability", 0), ("mirostat", 0)];

    public static GenerationConfig Read(GgufFile file, Qwen3Config config, ICollection<string> warnings)
    {
        GgufFields fields = new(file, "general.sampling.");
        foreach ((string key, double neutral) in s_ignored)
        {
            if (fields.NumberOrNull(key, -1e9, 1e9) is { } value && value != neutral)
            {
                warnings.Add($"{file.Path}: general.sampling.{key} is {value}, which is not supported and was ignored");
            }
        }

        double? temperature = fields.NumberOrNull("temp", 0, GenerationConfig.MostTemperature);
        int? topK = fields.IntOrNull("top_k", 0, GenerationConfig.MostTopK);
        double? topP = fields.NumberOrNull("top_p", 1e-6, 1);
        double? minP = fields.NumberOrNull("min_p", 0, 1);
        double penalty = fields.NumberOrNull(
            "penalty_repeat", GenerationConfig.LeastRepetitionPenalty, GenerationConfig.MostRepetitionPenalty) ?? 1;

        // The metadata name one end of an answer; a chat also ends with these, as llama.cpp knows by their spelling.
        int?[] spelled = [GgufTokenizer.ControlToken(file, "<|im_end|>"u8), GgufTokenizer.ControlToken(file, "<|endoftext|>"u8)];
        ImmutableArray<int> ends = [.. config.EosTokenIds.Concat(spelled.OfType<int>().Where(id => id < config.VocabSize)).Distinct()];
        if (temperature is null && topK is null && topP is null && minP is null)
        {
            return new GenerationConfig { EosTokenIds = ends, RepetitionPenalty = penalty };
        }

        return new GenerationConfig
        {
            EosTokenIds = ends,
            DoSample = true,
            Temperature = temperature ?? 1,
            TopK = topK ?? GenerationConfig.DefaultTopK,
            TopP = topP ?? 1,
            MinP = minP ?? 0,
            RepetitionPenalty = penalty,
        };
    }
}
