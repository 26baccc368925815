namespace HeteroQwen.Generation.Tests;

/// <summary>The cuts against a full sort, over a vocabulary of Qwen3's size with few and with many equal logits.</summary>
public sealed class CandidatesTests
{
    private const int VocabSize = 151_936;

    [Fact]
    public void Cuts_keep_the_best_of_rising_and_of_falling_scores()
    {
        float[] rising = [.. Enumerable.Range(0, VocabSize).Select(i => (float)(i / 2))];
        Candidates candidates = new(VocabSize, 3);
        foreach (float[] scores in (float[][])[rising, [.. rising.Reverse()]])
        {
            candidates.Load(scores);
            candidates.Weigh(scores.Max(), 1e9);
            int[] expected = scores[0] > 0 ? [0, 1, 2] : [VocabSize - 4, VocabSize - 2, VocabSize - 1];
            Assert.Equal(expected, ((double[])[0.1, 0.5, 0.9]).Select(candidates.Pick));
        }
    }

    [Theory]
    [InlineData(1e-6)]
    [InlineData(0.25)]
    [InlineData(8)]
    public void Cuts_keep_what_a_full_sort_keeps(double grain)
    {
        Random random = new(17);
        float[] scores = [.. Enumerable.Range(0, VocabSize).Select(_ => (float)(Math.Round(Normal(random) * 3 / grain) * grain))];
        int[] sorted = [.. Enumerable.Range(0, VocabSize).OrderByDescending(i => scores[i]).ThenBy(i => i)];
        double[] weights = [.. sorted.Select(i => Math.Exp(((double)scores[i] - scores[sorted[0]]) / 0.9))];
        double total = weights.Sum();
        foreach (int count in (int[])[1, 20, 1000, VocabSize - 1, VocabSize])
        {
            Candidates candidates = new(VocabSize, count);
            candidates.Load(scores);
            Assert.Equal(count, candidates.Count);
            candidates.Weigh(scores[sorted[0]], 0.9);
            AssertPicks(candidates, sorted[..count], weights[..count]);
        }

        foreach (double share in (double[])[0, 0.0001, 0.5, 0.95, 0.9999])
        {
            double sum = 0;
            int count = Math.Max(1, weights.TakeWhile(w => (sum += w) - w < share * total).Count());
            Candidates candidates = new(VocabSize, VocabSize);
            candidates.Load(scores);
            candidates.Weigh(scores[sorted[0]], 0.9);
            candidates.KeepShare(share);
            Assert.Equal(count, candidates.Count);
            AssertPicks(candidates, sorted[..count], weights[..count]);
        }
    }

    /// <summary>The candidates lie on the line of weights in order of ids, so each must be picked at the middle of its part.</summary>
    private static void AssertPicks(Candidates candidates, int[] ids, double[] weights)
    {
        double total = weights.Sum();
        double sum = 0;
        int seen = 0;
        int step = Math.Max(1, ids.Length / 50);
        foreach ((int id, double weight) in ids.Zip(weights).OrderBy(t => t.First))
        {
            if (seen++ % step == 0 && weight > 1e-9 * total)
            {
                Assert.Equal(id, candidates.Pick((sum + (weight / 2)) / total));
            }

            sum += weight;
        }
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
