namespace HeteroQwen.Generation.Tests;

public sealed class DistributionTests
{
    private const int Draws = 8000;
    private static readonly float[] s_logits = [0.3f, 2f, -1f, 1.5f, 1.5f, -0.5f, 2.4f, 0f, 1f, -1.2f];
    private static readonly int[] s_prompt = [6, 6, 9];
    private static readonly int[] s_answer = [1, 2, 1];

    private static readonly Dictionary<string, SamplingOptions> s_cases = new()
    {
        ["temperature 0.7"] = new() { Temperature = 0.7 },
        ["temperature 1"] = new() { Temperature = 1 },
        ["temperature 3"] = new() { Temperature = 3 },
        ["top-k"] = new() { Temperature = 1, TopK = 4 },
        ["top-k that cuts equals"] = new() { Temperature = 1, TopK = 3 },
        ["top-k of all"] = new() { Temperature = 1, TopK = 10 },
        ["top-p"] = new() { Temperature = 1, TopP = 0.75 },
        ["top-p of nearly all"] = new() { Temperature = 1, TopP = 0.999 },
        ["min-p"] = new() { Temperature = 1, MinP = 0.2 },
        ["repetition"] = new() { Temperature = 1, RepetitionPenalty = 1.8 },
        ["repetition that rewards"] = new() { Temperature = 1, RepetitionPenalty = 0.7 },
        ["presence"] = new() { Temperature = 1, PresencePenalty = 1.2 },
        ["frequency"] = new() { Temperature = 1, FrequencyPenalty = -0.6 },
        ["bias"] = new() { Temperature = 1, LogitBias = new Dictionary<int, double> { [2] = 3, [6] = -1.5 } },
        ["filters"] = new() { Temperature = 1.4, TopK = 7, TopP = 0.9, MinP = 0.3 },
        ["all"] = new()
        {
            Temperature = 1.6, TopK = 8, TopP = 0.95, MinP = 0.25, RepetitionPenalty = 1.3, PresencePenalty = 0.4, FrequencyPenalty = 0.3,
            LogitBias = new Dictionary<int, double> { [1] = 1, [7] = -2 },
        },
    };

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Draws_are_distributed_as_the_filtered_softmax(string name)
    {
        SamplingOptions options = s_cases[name] with { Seed = 11 };
        double[] expected = PlainSampling.Probabilities(s_logits, s_prompt, s_answer, options);
        PlainSampling.AssertFits(expected, [.. Enumerable.Range(0, Draws).Select(i => Draw(options with { Sequence = i }))]);
    }

    [Fact]
    public void Draws_of_one_answer_are_as_independent_as_those_of_many()
    {
        SamplingOptions options = new() { Temperature = 1, Seed = 3 };
        Sampler sampler = new(options, s_prompt, s_logits.Length);
        int[] drawn = [.. Enumerable.Range(0, Draws).Select(_ => sampler.Choose(s_logits))];
        PlainSampling.AssertFits(PlainSampling.Probabilities(s_logits, s_prompt, [], options), drawn);

        // Pairs of neighbours, of the coarser event that the token is one of the first five.
        double first = PlainSampling.Probabilities(s_logits, s_prompt, [], options)[..5].Sum();
        int[] pairs = [.. Enumerable.Range(0, Draws / 2).Select(i => (drawn[2 * i] < 5 ? 2 : 0) + (drawn[(2 * i) + 1] < 5 ? 1 : 0))];
        PlainSampling.AssertFits([(1 - first) * (1 - first), (1 - first) * first, first * (1 - first), first * first], pairs);
    }

    [Fact]
    public void Draws_of_neighbouring_seeds_are_independent()
    {
        SamplingOptions options = new() { Temperature = 1 };
        int[] drawn = [.. Enumerable.Range(0, Draws).Select(i => Draw(options with { Seed = i }))];
        PlainSampling.AssertFits(PlainSampling.Probabilities(s_logits, s_prompt, s_answer, options), drawn);
    }

    [Fact]
    public void The_test_itself_tells_apart_temperatures_of_1_and_1_point_1()
    {
        SamplingOptions options = new() { Temperature = 1.1 };
        int[] drawn = [.. Enumerable.Range(0, Draws).Select(i => Draw(options with { Sequence = i }))];
        (double statistic, double limit) = PlainSampling.ChiSquared(
            PlainSampling.Probabilities(s_logits, s_prompt, s_answer, options with { Temperature = 1 }), drawn);
        Assert.True(statistic > limit);
    }

    private static int Draw(SamplingOptions options)
    {
        Sampler sampler = new(options, s_prompt, s_logits.Length);
        foreach (int id in s_answer)
        {
            float[] only = [.. s_logits.Select((_, i) => i == id ? 0 : float.NegativeInfinity)];
            Assert.Equal(id, sampler.Choose(only));
        }

        return sampler.Choose(s_logits);
    }
}
