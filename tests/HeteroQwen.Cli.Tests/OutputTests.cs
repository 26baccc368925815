using System.Diagnostics;
using System.Globalization;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class OutputTests
{
    private const char Escape = '\u001b';

    /// <summary>A model that never stops of itself, with room for seconds of answer.</summary>
    private static string[] Endless => ["run", "-m", TestData.Path("hf/dense-long-f32"), "-b", "reference", "--tokens", "1,2,3"];

    [Fact]
    public void Piped_output_has_no_escape_and_thinking_is_shown_plain()
    {
        Outcome outcome = HeteroQwenProcess.Run("run", "What is 47 + 85?").MustSucceed();
        Assert.StartsWith("<think>\n47 + 85", outcome.Out, StringComparison.Ordinal);
        Assert.EndsWith("</think>\n\n132\n", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(Escape, outcome.Out + outcome.Error);
        Assert.Contains("18 prompt tokens", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("fast, kv f16, cpu:0", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Prompt_comes_from_standard_input_and_the_model_from_any_folder()
    {
        using TempFolder folder = new();
        Outcome outcome = HeteroQwenProcess.RunIn(folder.Path, "Sort: 5 2 9 1\n", "run", "--no-think", "-m", "tiny-moe");
        Assert.Equal("1 2 5 9\n", outcome.MustSucceed().Out);
    }

    [Fact]
    public void Messages_call_a_tool()
    {
        const string Messages = """
            {"messages":[{"role":"user","content":"What is 50 times 89?"}],
             "tools":[{"type":"function","function":{"name":"multiply","description":"Multiply two integers.",
               "parameters":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}}}]}
            """;
        string answer = HeteroQwenProcess.RunWithInput(Messages, "run", "--messages", "-", "-n", "80").MustSucceed().Out;
        Assert.Contains("<tool_call>", answer, StringComparison.Ordinal);
        Assert.Contains("multiply", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal()
    {
        string shown = HeteroQwenProcess.Run("tokenize", "a\u001b[31mb\u009bc").MustSucceed().Out;
        Assert.DoesNotContain(Escape, shown);
        Assert.DoesNotContain('\u009b', shown);
        Assert.Contains("\u241b", shown, StringComparison.Ordinal);
        HeteroQwenProcess.Run("inspect", "no\u001b[31m\nmodel").MustRefuse(2, "no");
        Assert.DoesNotContain(Escape, HeteroQwenProcess.Run("inspect", "no\u001b[31mmodel").Error);
        const string Messages = """{"messages":[{"role":"user","content":"\u001b[31m"}]}""";
        Assert.DoesNotContain(Escape, HeteroQwenProcess.RunWithInput(Messages, "template", "-").MustSucceed().Out);
    }

    [Theory]
    [InlineData("-INT")]
    [InlineData("-TERM")]
    public void Signal_ends_the_answer_cleanly(string signal)
    {
        Process process = HeteroQwenProcess.Start(Endless);
        char first = (char)process.StandardOutput.Read();
        using (Process kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }

        Outcome outcome = HeteroQwenProcess.Finish(process);
        Assert.Equal(130, outcome.Code);
        Assert.True(char.IsAsciiDigit(first), $"the answer began with '{first}'");
        Assert.EndsWith("\n", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("interrupted", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Reader_that_goes_away_ends_the_answer_quietly()
    {
        string args = string.Join(' ', Endless.Select(a => $"'{a}'"));
        Outcome outcome = HeteroQwenProcess.RunInShell($"heteroqwen {args} | head -c 3; true").MustSucceed();
        Assert.Equal(3, outcome.Out.Length);
        Assert.Equal("", outcome.Error);
    }

    [Fact]
    public void Full_disk_is_said()
    {
        Outcome outcome = HeteroQwenProcess.RunInShell("heteroqwen devices > /dev/full");
        outcome.MustRefuse(2, "standard output");
    }
}
