namespace HeteroQwen.Generation.Tests;

internal static class Best
{
    /// <summary>The best token is the same wherever the two best of the truth differ by more than the margin.</summary>
    public static void AssertSame(ReadOnlySpan<double> truth, ReadOnlySpan<float> row, double margin)
    {
        double[] sorted = truth.ToArray();
        Array.Sort(sorted);
        if (sorted[^1] - sorted[^2] > margin)
        {
            Assert.Equal(truth.IndexOf(sorted[^1]), Greedy.Choose(row).Id);
        }
    }
}
