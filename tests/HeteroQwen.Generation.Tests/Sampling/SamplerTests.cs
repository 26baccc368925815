using HeteroQwen.Ir;

namespace HeteroQwen.Generation.Tests;

public sealed class SamplerTests
{
    private const float Never = float.NegativeInfinity;

    [Fact]
    public void Temperature_divides_before_top_p_counts()
    {
        // 0.6, 0.3, 0.1 become 0.47, 0.33, 0.19 at a temperature of 2.
        Assert.Equal([0], Drawn(new() { Temperature = 1, TopP = 0.59 }, Logs(0.6, 0.3, 0.1)));
        Assert.Equal([0, 1], Drawn(new() { Temperature = 2, TopP = 0.59 }, Logs(0.6, 0.3, 0.1)));
    }

    [Fact]
    public void Top_p_counts_shares_of_what_top_k_left() =>
        Assert.Equal([0], Drawn(new() { Temperature = 1, TopK = 2, TopP = 0.5 }, Logs(0.4, 0.3, 0.2, 0.1)));

    [Fact]
    public void Top_p_counts_shares_before_min_p() =>
        Assert.Equal([0, 1], Drawn(new() { Temperature = 1, TopP = 0.6, MinP = 0.45 }, Logs(0.5, 0.25, 0.15, 0.1)));

    [Fact]
    public void Penalties_come_before_top_k()
    {
        SamplingOptions options = new() { Temperature = 1, TopK = 1, RepetitionPenalty = 3 };
        Assert.Equal([1], Drawn(options, [3, 2, 0], prompt: [0]));
    }

    [Fact]
    public void Penalties_are_those_computed_by_hand()
    {
        SamplingOptions options = new()
        {
            RepetitionPenalty = 2,
            PresencePenalty = 1,
            FrequencyPenalty = 0.25,
            LogitBias = new Dictionary<int, double> { [1] = 2, [5] = -1 },
        };
        Penalties penalties = new(options, [0, 1, 0], 6);
        float[] logits = [3, -1, -2, 4, 0.5f, 0];

        // Bias first, so that token 1 is 1 when the penalty looks at its sign; the prompt counts for repetition alone.
        Assert.Equal([1.5f, 0.5f, -2, 4, 0.5f, -1], penalties.Apply(logits).ToArray());
        penalties.Add(2);
        penalties.Add(3);
        penalties.Add(3);
        Assert.Equal([1.5f, 0.5f, -5.25f, 0.5f, 0.5f, -1], penalties.Apply(logits).ToArray());
        penalties.Add(1);
        Assert.Equal(-0.75f, penalties.Apply(logits)[1]);
    }

    [Fact]
    public void Penalties_of_zero_and_one_change_nothing_and_need_nothing()
    {
        Assert.False(Penalties.Needed(new() { Temperature = 1, TopK = 3, TopP = 0.5, MinP = 0.5, Seed = 9 }));
        Assert.True(Penalties.Needed(new() { PresencePenalty = -0.1 }));
    }

    [Fact]
    public void Equal_logits_are_taken_in_order_of_ids()
    {
        Assert.Equal([1], Drawn(new() { TopK = 3 }, [0, 2, 2, 2, 2, 1]));
        Assert.Equal([1, 2], Drawn(new() { Temperature = 1, TopK = 2 }, [0, 2, 2, 2, 2, 1]));
        Assert.Equal([1, 2], Drawn(new() { Temperature = 0.01, TopP = 0.5 }, [0, 2, 2, 2, 2, 1]));
        Assert.Equal([0, 1], Drawn(new() { Temperature = 1, TopK = 2 }, [-0f, 0f, -0f, 0f, -1]));
    }

    [Fact]
    public void The_least_filters_leave_the_best_token_alone()
    {
        float[] logits = [1, 3, 3, 2];
        Assert.Equal([1], Drawn(new() { Temperature = 1, TopK = 1 }, logits));
        Assert.Equal([1], Drawn(new() { Temperature = 1, TopP = 0 }, logits));
        Assert.Equal([1, 2], Drawn(new() { Temperature = 1, MinP = 1 }, logits));
        Assert.Equal([1, 2], Drawn(new() { Temperature = 1e-300 }, logits));
    }

    [Fact]
    public void Greedy_takes_the_best_whatever_the_filters_but_after_the_penalties()
    {
        Assert.Equal([1], Drawn(new() { TopK = 0, TopP = 0.9, MinP = 0.1 }, [1, 3, 3, 2]));
        Assert.Equal([3], Drawn(new() { RepetitionPenalty = 2 }, [1, 3, 3, 2], prompt: [1, 2]));
        Sampler sampler = new(new() { PresencePenalty = 0.75, FrequencyPenalty = 0.5 }, [], 2);
        Assert.Equal([0, 1, 0, 0, 1], Enumerable.Range(0, 5).Select(_ => sampler.Choose([1.5f, 0.75f])));
    }

    [Fact]
    public void Infinitely_small_logits_are_never_drawn()
    {
        Assert.Equal([1, 3], Drawn(new() { Temperature = 100, TopK = 3, TopP = 0.9999 }, [Never, 1, Never, 0]));
        Assert.Equal([2], Drawn(new() { Temperature = 1 }, [Never, Never, -1e30f, Never]));
        Assert.Equal([0, 1], Drawn(new() { Temperature = 1 }, [float.MaxValue, float.MaxValue, -float.MaxValue]));
    }

    [Theory]
    [InlineData(0, float.NaN, "NaN")]
    [InlineData(2, float.NaN, "NaN")]
    [InlineData(1, float.PositiveInfinity, "infinite")]
    public void Logits_that_are_no_numbers_are_refused_with_token_and_position(int id, float value, string word)
    {
        float[] logits = [1, 5, 3];
        logits[id] = value;
        foreach (SamplingOptions options in (SamplingOptions[])[new(), new() { Temperature = 1, TopK = 2 }, new() { PresencePenalty = 1 }])
        {
            Sampler sampler = new(options, [0, 1], 3);
            sampler.Choose([1, 2, 3]);
            string message = Assert.Throws<UserErrorException>(() => sampler.Choose(logits)).Message;
            Assert.All(new[] { $"token {id}", "after 3 tokens", word }, w => Assert.Contains(w, message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Row_without_any_possible_token_is_refused()
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => new Sampler(new(), [0], 2).Choose([Never, Never]));
        Assert.Contains("all -inf", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Penalty_that_overflows_is_refused() => Assert.Throws<UserErrorException>(
        () => new Sampler(new() { Temperature = 1, RepetitionPenalty = 0.01 }, [1], 2).Choose([0, float.MaxValue]));

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        AssertRefused(new() { Temperature = -0.1 }, "temperature", "-0.1");
        AssertRefused(new() { Temperature = double.NaN }, "temperature");
        AssertRefused(new() { TopK = -1 }, "top-k");
        AssertRefused(new() { TopP = 1.01 }, "top-p", "0 to 1");
        AssertRefused(new() { MinP = -1 }, "min-p");
        AssertRefused(new() { RepetitionPenalty = 0 }, "repetition penalty");
        AssertRefused(new() { PresencePenalty = 2.1 }, "presence penalty", "-2 to 2");
        AssertRefused(new() { FrequencyPenalty = -2.1 }, "frequency penalty");
        AssertRefused(new() { LogitBias = new Dictionary<int, double> { [1] = 101 } }, "token 1", "-100 to 100");
        AssertRefused(new() { LogitBias = new Dictionary<int, double> { [3] = 1 } }, "token 3", "0 to 2");
    }

    [Fact]
    public void Choose_allocates_nothing_once_it_runs()
    {
        float[] logits = new float[151_936];
        new Random(5).NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(logits.AsSpan()));
        logits = [.. logits.Select((v, i) => float.IsFinite(v) ? i % 50_000 == 0 ? 60 : v % 10 : 0)];
        SamplingOptions options = new()
        {
            Temperature = 0.8, TopP = 0.9, MinP = 0.01, RepetitionPenalty = 1.01, FrequencyPenalty = 0.01,
            LogitBias = new Dictionary<int, double> { [7] = 1 },
        };
        foreach (Sampler sampler in (Sampler[])[new(options, [3], logits.Length), new(options with { TopK = 20 }, [3], logits.Length)])
        {
            Repeat(sampler, 20);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Repeat(sampler, 5);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        void Repeat(Sampler sampler, int times)
        {
            for (int i = 0; i < times; i++)
            {
                sampler.Choose(logits);
            }
        }
    }

    private static float[] Logs(params double[] probabilities) => [.. probabilities.Select(p => (float)Math.Log(p))];

    /// <summary>All tokens that come up as the first of an answer.</summary>
    private static int[] Drawn(SamplingOptions options, float[] logits, int[]? prompt = null) =>
    [
        .. Enumerable.Range(0, 200).Select(i => new Sampler(options with { Sequence = i }, prompt ?? [], logits.Length).Choose(logits))
            .Distinct().Order(),
    ];

    private static void AssertRefused(SamplingOptions options, params string[] words)
    {
        string message = Assert.Throws<UserErrorException>(() => new Sampler(options, [], 3)).Message;
        Assert.All(words, w => Assert.Contains(w, message, StringComparison.Ordinal));
    }
}
