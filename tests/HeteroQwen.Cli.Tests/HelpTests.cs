namespace HeteroQwen.Cli.Tests;

public sealed class HelpTests
{
    private static readonly string[] s_later =
    [
        "compare", "plan", "new-backend", "pull", "serve",
    ];

    [Fact]
    public void Help_of_the_tool_lists_the_commands_there_are_and_no_others()
    {
        string help = HeteroQwenProcess.Run("--help").MustSucceed().Out;
        string[] commands = [.. help[help.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Skip(1)
            .TakeWhile(l => l.Length > 0).Select(l => l.Trim().Split(' ')[0])];
        Assert.Equal(
            ["devices", "run", "chat", "logits", "tokenize", "detokenize", "template", "inspect", "bench", "conform", "bisect", "quantize"], commands);
        Assert.Equal(["heteroqwen", "heteroqwen run \"What is 47 + 85?\""], Examples(help));
        Assert.All(s_later, name => Assert.Equal(2, HeteroQwenProcess.Run(name).Code));
    }

    [Theory]
    [InlineData("devices")]
    [InlineData("run")]
    [InlineData("chat")]
    [InlineData("logits")]
    [InlineData("tokenize")]
    [InlineData("detokenize")]
    [InlineData("template")]
    [InlineData("inspect")]
    [InlineData("bench")]
    [InlineData("conform")]
    [InlineData("quantize")]
    public void Examples_of_a_command_run_as_they_stand(string command)
    {
        string help = HeteroQwenProcess.Run(command, "--help").MustSucceed().Out;
        string[] examples = Examples(help);
        Assert.Equal(2, examples.Length);
        Assert.All(examples, example =>
        {
            Assert.Contains($"heteroqwen {command}", example, StringComparison.Ordinal);
            Assert.NotEmpty(HeteroQwenProcess.RunInShell(example).MustSucceed().Out);
        });
    }

    private static string[] Examples(string help) =>
    [
        .. help[help.IndexOf("Examples:", StringComparison.Ordinal)..].Split('\n').Skip(1)
            .TakeWhile(l => l.Length > 0).Select(l => l.Trim()),
    ];
}
