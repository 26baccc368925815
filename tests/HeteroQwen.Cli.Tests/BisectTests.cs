namespace HeteroQwen.Cli.Tests;

public sealed class BisectTests
{
    [Fact]
    public void Bisect_of_a_right_backend_finds_nothing_and_says_how_much_it_compared()
    {
        Outcome outcome = HeteroQwenProcess.Run("bisect", "-m", "tiny", "--json").MustSucceed();
        Assert.False(outcome.Json.GetProperty("diverges").GetBoolean());
        Assert.InRange(outcome.Json.GetProperty("compared").GetInt32(), 100, 1000);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, outcome.Json.GetProperty("op").ValueKind);
    }

    [Fact]
    public void Conform_of_a_case_file_that_is_not_there_is_one_sentence() =>
        HeteroQwenProcess.Run("conform", "--case", "none.case.json").MustRefuse(2, "none.case.json", "bisect");
}
