using HeteroQwen.Ir;

namespace HeteroQwen.Generation.Tests;

public sealed class StepSizesTests
{
    [Theory]
    [InlineData(512, 1, 1, 128, 32)]
    [InlineData(512, 4, 4, 128, 5)]
    [InlineData(300, 3, 300, 16, 19)]
    [InlineData(7, 2, 7, 7, 1)]
    [InlineData(1, 1, 1, 1, 1)]
    public void Padded_bindings_hold_the_rules_of_padding_and_are_few(int tokens, int sequences, int rows, int page, int pages)
    {
        StepSizes sizes = new(tokens, sequences, rows, page, pages, rounds: true);
        long whole = (long)page * pages;
        Random random = new(1);
        HashSet<Bindings> seen = [];
        for (int i = 0; i < 20000; i++)
        {
            long b = random.Next(1, Math.Min(sequences, tokens) + 1);
            long t = random.NextInt64(b, Math.Min(tokens, b * whole) + 1);
            long n = random.NextInt64(t, (b * whole) + 1);
            Bindings step = new(t, n, b, random.Next(0, (int)Math.Min(rows, t) + 1));
            Bindings padded = sizes.Padded(step);
            seen.Add(padded);
            Assert.True(step.Within(padded) && padded.Within(sizes.Maxima), $"{step} became {padded} of at most {sizes.Maxima}");
            Assert.True(padded.B > step.B, "there is a row of B for the padding sequence");
            Assert.InRange(padded.N - step.N, padded.T - step.T, whole);
            Assert.Equal(step.R == 0, padded.R == 0);
        }

        int PowersUpTo(double n) => (int)Math.Ceiling(Math.Log2(n)) + 1;
        int entries = PowersUpTo(pages) + (2 * (sequences + 1));
        Assert.InRange(seen.Count, 1, PowersUpTo(tokens) * entries * PowersUpTo(sequences + 1) * (PowersUpTo(rows) + 1));
    }

    [Fact]
    public void Padded_without_rounding_is_the_step_itself()
    {
        StepSizes sizes = new(100, 3, 3, 16, 9, rounds: false);
        Bindings step = new(37, 91, 2, 1);
        Assert.Equal(step, sizes.Padded(step));
        Assert.Equal(new Bindings(100, 3 * 9 * 16, 3, 3), sizes.Maxima);
    }
}
