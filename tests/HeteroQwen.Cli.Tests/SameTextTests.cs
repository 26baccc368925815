using HeteroQwen.Generation;

namespace HeteroQwen.Cli.Tests;

public sealed class SameTextTests
{
    [Theory]
    [InlineData("1,2,3", "1,2,3", null)]
    [InlineData("1,2,3", "1,9,3", 1)]
    [InlineData("1,2,3", "1,2", null)]
    [InlineData("1,-2,3", "1,9,9", null)]
    [InlineData("1,-2,3", "7,2,3", 0)]
    public void Difference_counts_up_to_the_first_close_choice(string first, string other, int? expected) =>
        Assert.Equal(expected, SameText.FirstDifference(Answer(first), Answer(other)));

    /// <summary>Ids; one with a minus sign had a margin too small to decide.</summary>
    private static GenerationResult Answer(string ids)
    {
        int[] signed = [.. ids.Split(',').Select(int.Parse)];
        return new GenerationResult(
            [.. signed.Select(Math.Abs)], [.. signed.Select(i => i < 0 ? 0.0005f : 1f)],
            [.. signed.Select(_ => 1f)], FinishReason.Stop, 1, 1, 1);
    }
}
