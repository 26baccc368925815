using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class SamplingTests
{
    private static readonly string[] s_hot =
        ["run", "Tell me a story about a kind panda named Tom.", "--no-think", "-n", "30", "--temp", "2"];

    [Fact]
    public void Same_seed_gives_the_same_text_with_any_number_of_threads_and_is_told()
    {
        string one = HeteroQwenProcess.Run([.. s_hot, "--seed", "5", "-t", "1"]).MustSucceed().Out;
        JsonElement two = HeteroQwenProcess.Run([.. s_hot, "--seed", "5", "-t", "2", "--json"]).MustSucceed().Json;
        string text = two.GetProperty("text").GetString()!.Replace("<|im_end|>", "", StringComparison.Ordinal);
        Assert.Equal(one.TrimEnd('\n'), text.TrimEnd('\n'));
        Assert.Equal(5, two.GetProperty("seed").GetInt32());
    }

    [Fact]
    public void Seed_taken_at_random_is_told_and_gives_the_text_again()
    {
        JsonElement first = HeteroQwenProcess.Run([.. s_hot, "--json"]).MustSucceed().Json;
        string seed = first.GetProperty("seed").GetRawText();
        Outcome again = HeteroQwenProcess.Run([.. s_hot, "--seed", seed, "--json"]).MustSucceed();
        Assert.Equal(first.GetProperty("ids").GetRawText(), again.Json.GetProperty("ids").GetRawText());
        string said = HeteroQwenProcess.Run([.. s_hot, "--seed", seed]).MustSucceed().Error;
        Assert.Contains($"temp 2, top-k 50, seed {seed};", said, StringComparison.Ordinal);
        Assert.NotEqual(seed, HeteroQwenProcess.Run([.. s_hot, "--json"]).MustSucceed().Json.GetProperty("seed").GetRawText());
    }

    [Fact]
    public void Model_that_asks_for_sampling_gets_it_unless_the_temperature_is_zero()
    {
        using TempFolder folder = TempFolder.CopyOf("dense-tied-f32");
        folder.Write("generation_config.json", """{"do_sample":true,"temperature":1.5,"top_k":40,"top_p":0.95,"repetition_penalty":1.2}""");
        string[] line = ["run", "-m", folder.Path, "--tokens", "1,2,3", "-n", "12"];
        string own = HeteroQwenProcess.Run([.. line, "--seed", "1"]).MustSucceed().Error;
        Assert.Contains("repeat-penalty 1.2, temp 1.5, top-k 40, top-p 0.95, seed 1;", own, StringComparison.Ordinal);
        string over = HeteroQwenProcess.Run([.. line, "--seed", "1", "--top-k", "0", "--min-p", "0.05"]).MustSucceed().Error;
        Assert.Contains("temp 1.5, top-p 0.95, min-p 0.05, seed 1;", over, StringComparison.Ordinal);

        JsonElement greedy = HeteroQwenProcess.Run([.. line, "--temp", "0", "--repeat-penalty", "1", "--json"]).MustSucceed().Json;
        Assert.False(greedy.TryGetProperty("seed", out _));
        folder.Write("generation_config.json", "{}");
        JsonElement plain = HeteroQwenProcess.Run([.. line, "--json"]).MustSucceed().Json;
        Assert.Equal(greedy.GetProperty("ids").GetRawText(), plain.GetProperty("ids").GetRawText());
    }

    [Fact]
    public void Penalties_and_bias_hold_without_sampling_too()
    {
        string[] line = ["run", "-m", TestData.Path("hf/dense-tied-f32"), "--tokens", "1,2,3", "-n", "6"];
        Assert.Equal("7,7,7,7,7,7\n", HeteroQwenProcess.Run([.. line, "--logit-bias", "7=100"]).MustSucceed().Out);
        string[] apart = HeteroQwenProcess.Run(
            [.. line, "--logit-bias", "7=40", "--logit-bias", "8=40", "--repeat-penalty", "100"]).MustSucceed().Out.Trim().Split(',');
        Assert.Equal(["7", "8"], apart[..2].Order());
    }

    [Fact]
    public void Stop_text_ends_the_answer_and_no_part_of_it_is_shown()
    {
        string[] line = ["run", "What is the capital of Italy?", "--no-think", "--stop", "of France", "--stop", "Italy is R"];
        Assert.Equal("The capital of \n", HeteroQwenProcess.Run(line).MustSucceed().Out);
        JsonElement answer = HeteroQwenProcess.Run([.. line, "--json"]).MustSucceed().Json;
        Assert.Equal("The capital of ", answer.GetProperty("text").GetString());
        Assert.Equal("stop", answer.GetProperty("finish_reason").GetString());
        Assert.Equal("The capital of Italy is Rome.\n", HeteroQwenProcess.Run([.. line[..3], "--stop", "Rome!"]).MustSucceed().Out);
    }

    [Fact]
    public void Stop_text_that_is_empty_or_without_a_tokenizer_is_refused()
    {
        HeteroQwenProcess.Run("run", "--stop", "", "hi").MustRefuse(2, "--stop", "at least one character");
        string model = TestData.Path("hf/moe-f32");
        HeteroQwenProcess.Run("run", "-m", model, "--tokens", "1", "--stop", "x").MustRefuse(2, "--stop", "tokenizer");
    }

    [Fact]
    public void Filter_that_does_nothing_is_said()
    {
        Outcome outcome = HeteroQwenProcess.Run("run", "hi", "-n", "2", "--top-p", "0.9").MustSucceed();
        Assert.Contains("--top-p does nothing", outcome.Error, StringComparison.Ordinal);
        outcome = HeteroQwenProcess.Run("run", "hi", "-n", "2", "--top-p", "0.9", "--temp", "0").MustSucceed();
        Assert.DoesNotContain("does nothing", outcome.Error, StringComparison.Ordinal);
    }
}
