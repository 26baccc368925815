using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed partial class ChatTests
{
    private static readonly string[] s_tenTurns =
    [
        "What is 47 + 85?", "日本的首都是哪里？", "/no_think", "Sort: 5 2 9 1", "What is the capital of Italy?", "中国的首都是哪里？",
        "/think", "What is 12 + 30?", "Hello", "法国的首都是哪里？", "/no_think", "What is the capital \\", "of Japan?", "What is 3 + 4?",
    ];

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Ten_turns_read_no_earlier_turn_again(string model)
    {
        Outcome outcome = Chat(s_tenTurns, "-m", model).MustSucceed();
        Counts[] turns = Turns(outcome);
        Assert.Equal(10, turns.Length);
        Assert.Equal(0, turns[0].Reused);
        for (int i = 1; i < turns.Length; i++)
        {
            // All but the last answer and, where it was asked for at once, the empty thought of four tokens before it.
            Assert.InRange(turns[i].Reused, turns[i - 1].Prompt - 4, turns[i - 1].Prompt);
            Assert.InRange(turns[i].Read, 1, turns[i - 1].Answer + 45);
        }

        Assert.Contains("</think>\n\n132\n", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("</think>\n\n日本的首都是东京。\n", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("\n1 2 5 9\n", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Out + outcome.Error);
        Assert.DoesNotContain("> ", outcome.Error.Replace("-> ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Edit_takes_the_place_of_the_last_turn_and_retry_answers_it_again()
    {
        Outcome outcome = Chat(["日本的首都是哪里？", "Hello", "/edit What is 47 + 85?", "/retry", "/system Be brief.", "/retry"], "--no-think")
            .MustSucceed();
        Counts[] turns = Turns(outcome);
        Assert.Equal(5, turns.Length);
        string[] lines = outcome.Out.TrimEnd().Split('\n');
        Assert.Equal("日本的首都是东京。", lines[0]);
        Assert.Equal(lines[^3], lines[^2]);
        Assert.True(turns[2].Reused > turns[0].Prompt, "the edited turn read the first one again");
        Assert.Equal((1, turns[2].Prompt), (turns[3].Read, turns[3].Prompt));
        Assert.True(turns[4].Prompt > turns[3].Prompt && turns[4].Reused < 4, "the system message was not read");
    }

    [Fact]
    public void Saved_conversation_goes_on_in_another_process_as_in_its_own()
    {
        using TempFolder folder = new();
        (string first, string second) = (folder.File("first.json"), folder.File("second.json"));
        string[] turns = ["What is 47 + 85?", "/no_think", "Say \"\\n\" and 日本", "/save " + first];
        string whole = Chat([.. turns, "What is 3 + 4?"], "--system", "You are kind.").MustSucceed().Out;
        Outcome loaded = Chat(["/load " + first, "/save " + second, "What is 3 + 4?"]).MustSucceed();
        Assert.Equal(File.ReadAllText(first), File.ReadAllText(second));
        Assert.Contains("loaded 2 turns", loaded.Error, StringComparison.Ordinal);
        Assert.EndsWith("\n" + loaded.Out, whole, StringComparison.Ordinal);
        Assert.Equal(loaded.Out, Chat(["What is 3 + 4?"], "--messages", first).MustSucceed().Out);
        Assert.Contains("<|im_start|>system\nYou are kind.", HeteroQwenProcess.Run("template", first).MustSucceed().Out, StringComparison.Ordinal);
        Assert.Contains("reasoning_content", File.ReadAllText(first), StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_commands_and_files_are_refused_in_a_sentence_each_and_the_chat_goes_on()
    {
        using TempFolder folder = new();
        (string Line, string Part)[] wrong =
        [
            ("/thnk", "did you mean /think?"), ("/usr is a folder", "/help"), ("/edit", "/edit TEXT"), ("/edit more", "ask something first"),
            ("/retry", "ask something first"), ("/save " + folder.File("x"), "nothing to save"), ("/reset all", "/reset alone"),
            ("/load " + folder.File("none.json"), "none.json"), ("/load " + folder.Path, folder.Path), ("/load /dev/zero", "/dev/zero"),
            ("/load " + folder.Write("a.json", "{"), "no valid JSON"), ("/load -", "./-"),
            ("/load " + folder.Write("b.json", """{"messages":[{"role":"user","content":"\ud800"}]}"""), "no valid Unicode"),
        ];
        Outcome outcome = Chat([.. wrong.Select(w => w.Line), "What is 47 + 85?", "/save /no/such/folder/x", "//hi", "/exit", "Hello"], "--no-think");
        Assert.Equal(2, outcome.Code);
        string[] refusals = [.. outcome.Error.Split('\n').Where(l => l.StartsWith("heteroqwen: ", StringComparison.Ordinal))];
        Assert.Equal(wrong.Length + 1, refusals.Length);
        Assert.All(wrong.Zip(refusals), w => Assert.Contains(w.First.Part, w.Second, StringComparison.Ordinal));
        Assert.Contains("/no/such/folder/x", refusals[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(2, Turns(outcome).Length);
    }

    [Fact]
    public void Save_takes_the_place_of_an_earlier_conversation_and_of_no_other_file()
    {
        using TempFolder folder = new();
        (string own, string other) = (folder.File("own.json"), folder.Write("other.txt", "precious"));
        Outcome outcome = Chat(["Sort: 5 2 9 1", "/save " + own, "Sort: 3 1", "/save " + own, "/save " + other], "--no-think");
        Assert.Equal(2, outcome.Code);
        string refusal = Assert.Single(outcome.Error.Split('\n'), l => l.StartsWith("heteroqwen: ", StringComparison.Ordinal));
        Assert.Contains(other, refusal, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(other));
        Assert.Contains("Sort: 3 1", File.ReadAllText(own), StringComparison.Ordinal);
    }

    [Fact]
    public void Full_context_is_said_and_nothing_is_lost()
    {
        using TempFolder folder = new();
        string file = folder.File("saved.json");
        string words = string.Join(' ', Enumerable.Repeat("panda", 30));
        Outcome outcome = Chat(["日本的首都是哪里？", words, "/save " + file, "/reset", "日本的首都是哪里？"], "--no-think", "-c", "40");
        Assert.Equal(2, outcome.Code);
        string refusal = Assert.Single(outcome.Error.Split('\n'), l => l.Contains("context is full", StringComparison.Ordinal));
        Assert.All(["of 40", "/reset", "-c"], part => Assert.Contains(part, refusal, StringComparison.Ordinal));
        Assert.Equal("日本的首都是东京。\n日本的首都是东京。\n", outcome.Out);
        Assert.DoesNotContain("panda", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Contains("东京", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Ctrl_C_stops_the_answer_and_not_the_chat()
    {
        using TempFolder folder = new();
        string file = folder.File("saved.json");

        // An answer that never stops of itself, and slowly made.
        Process process = HeteroQwenProcess.Start("chat", "-b", "reference", "--logit-bias", "1512=-100", "--logit-bias", "1510=-100");
        process.StandardInput.Write("What is 47 + 85?\n");
        process.StandardInput.Flush();
        string first = process.StandardOutput.ReadLine()!;
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }

        Outcome outcome = HeteroQwenProcess.Finish(process, $"/save {file}\n/help\n").MustSucceed();
        Assert.Equal("<think>", first);
        Assert.Contains("interrupted", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("/no_think", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("\"assistant\"", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chat --think --no-think", "--think", "--no-think")]
    [InlineData("chat --messages /no/such/file", "/no/such/file")]
    [InlineData("chat --mesages x", "did you mean --messages?")]
    [InlineData("chat hello", "'hello'")]
    public void Wrong_line_is_refused(string line, params string[] parts) => HeteroQwenProcess.Run(line.Split(' ')).MustRefuse(2, parts);

    private static Outcome Chat(string[] lines, params string[] args) =>
        HeteroQwenProcess.RunWithInput(string.Join('\n', lines) + "\n", ["chat", .. args]);

    /// <summary>What the line under each answer says.</summary>
    private static Counts[] Turns(Outcome outcome) =>
    [
        .. Line().Matches(outcome.Error).Select(m => new Counts(Number(m, 1), Number(m, 2), Number(m, 3))),
    ];

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[(\d+) prompt tokens? read.*?, (\d+) reused; (\d+) answer tokens?")]
    private static partial Regex Line();

    private sealed record Counts(int Read, int Reused, int Answer)
    {
        public int Prompt => Read + Reused;
    }
}
