using HeteroQwen.Ir;

namespace HeteroQwen.Cli.Tests;

public sealed class WholeNumbersTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("128,512", "128 512")]
    [InlineData("512, 128 ,128", "512 128 128")]
    [InlineData("1-4", "1 2 3 4")]
    [InlineData("7-7", "7")]
    [InlineData("100-500+150", "100 250 400")]
    [InlineData("16-300*4", "16 64 256")]
    [InlineData("2,8-32*2,5", "2 8 16 32 5")]
    [InlineData("2147483646-2147483647", "2147483646 2147483647")]
    [InlineData("1000000000-2147483647*3", "1000000000")]
    public void Parse_reads_numbers_and_ranges(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', WholeNumbers.Parse(text, "-p", 0)));

    [Theory]
    [InlineData("")]
    [InlineData("1,,2")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("4-2")]
    [InlineData("1-")]
    [InlineData("1-8+0")]
    [InlineData("1-8*1")]
    [InlineData("0-8*2")]
    [InlineData("1-8*2*2")]
    [InlineData("2147483648")]
    [InlineData("1-1002")]
    [InlineData("1-600,1-600")]
    [InlineData("\u0661")]
    public void Parse_refuses_what_is_no_list_or_too_long(string text) =>
        Assert.Contains("-p", Assert.Throws<UserErrorException>(() => WholeNumbers.Parse(text, "-p", 0)).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_refuses_numbers_below_the_least()
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => WholeNumbers.Parse("2,0-3", "-t", 1));
        Assert.Contains("from 1", e.Message, StringComparison.Ordinal);
    }
}
