using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class PromptsTests
{
    private static readonly string[] s_questions = ["What is 47 + 85?", "日本的首都是哪里？", "Sort: 5 2 9 1"];

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Lines_come_in_order_with_their_numbers_and_the_fields_and_text_of_single_runs(string model)
    {
        string file = $"\uFEFF{s_questions[0]}\r\n\n  \n{s_questions[1]}\n{s_questions[2]}\n\n";
        JsonElement[] lines = Lines(HeteroQwenProcess.RunWithInput(file, "run", "-m", model, "--prompts", "-", "--precision", "exact").MustSucceed());
        Assert.Equal([1, 4, 5], lines.Select(l => l.GetProperty("line").GetInt32()));
        for (int i = 0; i < lines.Length; i++)
        {
            JsonElement alone = HeteroQwenProcess.Run("run", "-m", model, s_questions[i], "--precision", "exact", "--json").MustSucceed().Json;
            Assert.Equal(["line", .. Fields(alone)], Fields(lines[i]));
            foreach (string field in (string[])["ids", "text", "finish_reason", "prompt_tokens"])
            {
                Assert.Equal(alone.GetProperty(field).GetRawText(), lines[i].GetProperty(field).GetRawText());
            }
        }
    }

    [Fact]
    public void Prompts_wait_for_pages_and_one_that_can_never_fit_is_refused_by_its_number()
    {
        using TempFolder folder = new();
        string endless = string.Join(' ', Enumerable.Repeat("panda", 300));
        string[] prompts = [.. Enumerable.Range(1, 7).Select(i => i == 3 ? endless : $"Tell me a story about {i} pandas.")];
        string file = folder.Write("prompts.txt", string.Join('\n', prompts));

        // Three pages of 128 entries: three prompts at once.
        Outcome outcome = HeteroQwenProcess.Run("run", "--prompts", file, "-n", "60", "-c", "300");
        Assert.Equal(1, outcome.Code);
        JsonElement[] lines = Lines(outcome);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], lines.Select(l => l.GetProperty("line").GetInt32()));
        Assert.Equal(["line", "error"], Fields(lines[2]));
        Assert.Contains("-c", lines[2].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.All(lines.Where((_, i) => i != 2), l => Assert.NotEmpty(l.GetProperty("ids").EnumerateArray()));
        string sentence = Assert.Single(outcome.Error.Split('\n'), l => l.StartsWith("heteroqwen: ", StringComparison.Ordinal));
        Assert.Contains($"{file}, line 3: ", sentence, StringComparison.Ordinal);
        Assert.Contains("6 prompts answered, 1 refused", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sampled_answers_are_those_of_single_runs_with_the_same_seed()
    {
        string[] how = ["run", "--no-think", "--precision", "exact", "--temp", "1.5", "--seed", "5", "-n", "12"];
        JsonElement[] lines = Lines(HeteroQwenProcess.RunWithInput("Hello\nHi there\n", [.. how, "--prompts", "-", "--parallel", "2"]).MustSucceed());
        JsonElement alone = HeteroQwenProcess.Run([.. how, "--json", "Hi there"]).MustSucceed().Json;
        Assert.Equal(alone.GetProperty("ids").GetRawText(), lines[1].GetProperty("ids").GetRawText());
    }

    [Theory]
    [InlineData("run --prompts /no/such/file", "/no/such/file")]
    [InlineData("run --prompts /", "/ cannot be read")]
    [InlineData("run --prompts -", "there is no prompt")]
    [InlineData("run --prompts - hi", "PROMPT and --prompts")]
    [InlineData("run --prompts - --parallel 0", "--parallel 0")]
    [InlineData("run --parallel 2 hi", "--parallel", "--prompts")]
    [InlineData("run --promts x", "did you mean --prompts?")]
    public void Wrong_line_is_refused(string line, params string[] parts) => HeteroQwenProcess.Run(line.Split(' ')).MustRefuse(2, parts);

    private static JsonElement[] Lines(Outcome outcome) =>
        [.. outcome.Out.TrimEnd('\n').Split('\n').Select(l => JsonDocument.Parse(l).RootElement)];

    private static string[] Fields(JsonElement value) => [.. value.EnumerateObject().Select(p => p.Name)];
}
