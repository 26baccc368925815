namespace HeteroQwen.Generation.Tests;

/// <summary>What a sampler is to do, in the plainest way: sort everything, filter in order, renormalise after each.</summary>
internal static class PlainSampling
{
    /// <summary>The probability of each token as the next of an answer.</summary>
    public static double[] Probabilities(float[] logits, int[] prompt, int[] answer, SamplingOptions options)
    {
        double[] scores = [.. logits.Select((logit, id) => logit + options.LogitBias.GetValueOrDefault(id))];
        foreach (int id in prompt.Concat(answer).Distinct())
        {
            scores[id] = scores[id] > 0 ? scores[id] / options.RepetitionPenalty : scores[id] * options.RepetitionPenalty;
        }

        foreach (int id in answer)
        {
            scores[id] -= options.FrequencyPenalty;
        }

        foreach (int id in answer.Distinct())
        {
            scores[id] -= options.PresencePenalty;
        }

        int[] order = [.. Enumerable.Range(0, scores.Length).OrderByDescending(id => scores[id]).ThenBy(id => id)];
        order = options.TopK > 0 ? order[..Math.Min(options.TopK, order.Length)] : order;
        List<(int Id, double Share)> kept = Normalise(order.Select(id => (id, Math.Exp(scores[id] / options.Temperature))));
        if (options.TopP < 1)
        {
            double sum = 0;
            kept = Normalise(kept.TakeWhile(t => (sum += t.Share) - t.Share < options.TopP));
        }

        kept = Normalise(kept.Where(t => t.Share >= options.MinP * kept[0].Share));
        double[] probabilities = new double[scores.Length];
        kept.ForEach(t => probabilities[t.Id] = t.Share);
        return probabilities;
    }

    /// <summary>
    /// Asserts that tokens without probability were never drawn and that the others were about as often as they should: Pearson's
    /// statistic is below the 99.9 % point of the chi-squared distribution (after Wilson and Hilferty).
    /// </summary>
    public static void AssertFits(double[] probabilities, int[] drawn)
    {
        Assert.Equal([], drawn.Where(id => probabilities[id] == 0));
        (double statistic, double limit) = ChiSquared(probabilities, drawn);
        Assert.True(statistic < limit, $"chi-squared {statistic} is not below {limit}");
    }

    public static (double Statistic, double Limit) ChiSquared(double[] probabilities, int[] drawn)
    {
        double statistic = 0;
        foreach ((int id, double p) in probabilities.Index().Where(t => t.Item > 0))
        {
            double expected = p * drawn.Length;
            Assert.True(expected >= 5, $"token {id} is expected {expected} times, too few for this test");
            statistic += Math.Pow(drawn.Count(d => d == id) - expected, 2) / expected;
        }

        double freedom = probabilities.Count(p => p > 0) - 1;
        return (statistic, freedom * Math.Pow(1 - (2 / (9 * freedom)) + (3.09 * Math.Sqrt(2 / (9 * freedom))), 3));
    }

    private static List<(int Id, double Share)> Normalise(IEnumerable<(int Id, double Share)> tokens)
    {
        List<(int Id, double Share)> list = [.. tokens];
        double total = list.Sum(t => t.Share);
        return [.. list.Select(t => (t.Id, t.Share / total))];
    }
}
