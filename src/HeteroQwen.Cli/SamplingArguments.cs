using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>The options that say how tokens are chosen and at which texts an answer ends.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<string?> _temperature = Arguments.Text(
        "--temp", "T", "Divides the logits, 0 is greedy; this and the next ones are the model's own (generation_config.json) unless given");
    private readonly Option<string?> _topK = Arguments.Text("--top-k", "K", "Draw from the K most probable tokens, 0 for all");
    private readonly Option<string?> _topP = Arguments.Text("--top-p", "P", "Draw from the fewest tokens whose probabilities sum to P");
    private readonly Option<string?> _minP = Arguments.Text("--min-p", "M", "Draw from tokens at least M times as probable as the best");
    private readonly Option<string?> _repetition = Arguments.Text(
        "--repeat-penalty", "R", "Divides positive and multiplies negative logits of tokens in prompt and answer; 1 is none");
    private readonly Option<string?> _presence = Arguments.Text("--presence-penalty", "A", "Taken from logits of tokens in the answer");
    private readonly Option<string?> _frequency = Arguments.Text(
        "--frequency-penalty", "A", "Taken from logits of tokens as often as they are in the answer");
    private readonly Option<string[]> _bias = new("--logit-bias")
    {
        HelpName = "ID=VALUE",
        Description = "Added to the logit of a token; may be given several times",
    };
    private readonly Option<string[]> _stops = new("--stop")
    {
        HelpName = "TEXT",
        Description = "Ends the answer before this text; may be given several times",
    };
    private readonly Option<string?> _seed = Arguments.Text(
        "--seed", "S", "The same seed gives the same text; one is taken at random, and told, unless given");

    public void AddTo(Command command)
    {
        foreach (Option option in (ReadOnlySpan<Option>)
            [_temperature, _topK, _topP, _minP, _repetition, _presence, _frequency, _bias, _stops, _seed])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="UserErrorException">A value is wrong.</exception>
    public SamplingSettings Read(ParseResult parsed)
    {
        const double Most = GenerationConfig.MostPenalty;
        return new SamplingSettings
        {
            Temperature = Arguments.Number(parsed, _temperature, 0, GenerationConfig.MostTemperature),
            TopK = Arguments.Whole(parsed, _topK, 0, GenerationConfig.MostTopK),
            TopP = Arguments.Number(parsed, _topP, 0, 1),
            MinP = Arguments.Number(parsed, _minP, 0, 1),
            RepetitionPenalty = Arguments.Number(
                parsed, _repetition, GenerationConfig.LeastRepetitionPenalty, GenerationConfig.MostRepetitionPenalty),
            PresencePenalty = Arguments.Number(parsed, _presence, -Most, Most),
            FrequencyPenalty = Arguments.Number(parsed, _frequency, -Most, Most),
            LogitBias = Biases(parsed.GetValue(_bias) ?? []),
            Stops = Stops(parsed.GetValue(_stops) ?? []),
            Seed = Arguments.Whole(parsed, _seed, 0) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            Useless = parsed.GetValue(_temperature) is not null ? null
                : new Option[] { _topK, _topP, _minP, _seed }.FirstOrDefault(o => parsed.GetResult(o) is not null)?.Name,
        };
    }

    private Dictionary<int, double> Biases(string[] texts)
    {
        Dictionary<int, double> biases = [];
        foreach (string text in texts)
        {
            string[] parts = text.Split('=', 2);
            if (parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                || !(Math.Abs(value) <= SamplingOptions.MostBias))
            {
                throw new UserErrorException(
                    $"{_bias.Name} {Arguments.Shown(text)}: this is no token id, = and a number from {-SamplingOptions.MostBias} to "
                    + $"{SamplingOptions.MostBias}; write for example {_bias.Name} 42=-5");
            }

            if (!biases.TryAdd(id, value))
            {
                throw new UserErrorException($"{_bias.Name} {text}: token {id} has a bias already; give each token one");
            }
        }

        return biases;
    }

    private string[] Stops(string[] stops) => !stops.Contains("")
        ? stops
        : throw new UserErrorException(
            $"{_stops.Name}: the text is empty, which would end the answer before it begins; give at least one character");
}
