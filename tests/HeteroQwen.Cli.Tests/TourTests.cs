namespace HeteroQwen.Cli.Tests;

public sealed class TourTests
{
    [Fact]
    public void Tour_answers_on_every_device_with_the_same_text_and_says_how_fast()
    {
        Outcome outcome = HeteroQwenProcess.Run().MustSucceed();
        Assert.DoesNotContain('\u001b', outcome.Out);
        Assert.DoesNotContain("✗", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(2, Count(outcome.Out, "The capital of Italy is Rome."));
        Assert.Equal(2, Count(outcome.Out, "日本的首都是东京。"));
        Assert.Equal(2, Count(outcome.Out, "    132\n"));
        Assert.Equal(8, Count(outcome.Out, "✓ cpu:0"));
        Assert.Equal(8, Count(outcome.Out, "✓ reference:0"));
        Assert.Equal(2, Count(outcome.Out, "answer tokens/s"));
        Assert.Contains("Every device gave the same text.", outcome.Out, StringComparison.Ordinal);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
