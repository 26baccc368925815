using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

/// <summary><c>perf/compare-llama.sh</c>, with two stand-ins for the engines that print the rates of a list in turn.</summary>
public sealed class CompareLlamaTests : IDisposable
{
    private static readonly string s_script = TestData.Path("../../perf/compare-llama.sh");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Engines_take_turns_and_medians_and_paired_ratios_come_of_it()
    {
        string llama = Engine("llama-bench", "10", "20", "40");
        string tool = Engine("heteroqwen", "30", "20", "80");
        Outcome outcome = Compare(tool, llama, Model(), "-p 8 -n 0 -t 1 -r 3 -- --tier avx2").MustSucceed();
        Assert.StartsWith("m.gguf, -t 1, medians of 3 rounds, heteroqwen bench --tier avx2\n", outcome.Out, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^pp8 +20\.00 +30\.00 +2\.00 +1\.50\.\.2\.50 +default -fa$", outcome.Out);
        const string Test = "-p 8 -n 0 -d 0 -t 1 -r 1 -o jsonl";
        string[] round = [$"llama-bench -m {Model()} {Test}", $"heteroqwen bench -m {Model()} {Test} --tier avx2"];
        Assert.Equal([.. round, .. round, .. round], Calls());
    }

    [Fact]
    public void Depth_is_held_against_the_faster_of_both_kinds_of_attention()
    {
        string llama = Engine("llama-bench", "10", "20");
        string tool = Engine("heteroqwen", "30");
        Outcome outcome = Compare(tool, llama, Model(), "-p 0 -n 4 -d 16 -r 1").MustSucceed();
        Assert.Matches(@"(?m)^tg4 @ d16 +20\.00 +30\.00 +1\.50 +1\.50\.\.1\.50 +-fa off \(the faster\)$", outcome.Out);
        Assert.Equal(["on", "off"], Calls().Where(c => c.Contains("-fa", StringComparison.Ordinal)).Select(c => c.Split(' ')[^1]));
    }

    [Theory]
    [InlineData("-p x", "-p 'x'")]
    [InlineData("-p 0 -n 0", "both 0")]
    [InlineData("-q 1", "'-q'")]
    [InlineData("-n", "value is missing")]
    [InlineData("-t 0", "-t 0")]
    [InlineData("-r 1,2", "-r 1,2")]
    public void Wrong_line_is_refused_with_a_sentence(string options, string part) =>
        MustRefuse(Compare(Engine("heteroqwen", "1"), Engine("llama-bench", "1"), Model(), options), part);

    [Fact]
    public void Missing_file_or_program_is_named()
    {
        string engine = Engine("engine", "1");
        MustRefuse(Compare(engine, "/no/such/llama-bench", Model(), ""), "/no/such/llama-bench");
        MustRefuse(Compare(engine, engine, "/no/such/model.gguf", ""), "/no/such/model.gguf");
        MustRefuse(Compare("/no/such/heteroqwen", engine, Model(), ""), "/no/such/heteroqwen");
    }

    [Fact]
    public void Engine_that_fails_or_prints_no_rate_ends_the_comparison()
    {
        string works = Engine("works", "1");
        Outcome failed = Compare(Script("fails", "echo no such tier >&2; exit 2"), works, Model(), "-r 1");
        Assert.Equal(1, failed.Code);
        Assert.Contains("no such tier", failed.Error, StringComparison.Ordinal);
        Outcome silent = Compare(works, Script("silent", "exit 0"), Model(), "-r 1");
        Assert.Equal(1, silent.Code);
        Assert.Contains("avg_ts", silent.Error, StringComparison.Ordinal);
    }

    private static void MustRefuse(Outcome outcome, string part)
    {
        Assert.Equal(2, outcome.Code);
        Assert.Equal("", outcome.Out);
        Assert.Contains(part, Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static Outcome Compare(string tool, string llama, string model, string options) =>
        HeteroQwenProcess.RunInShell($"HETEROQWEN='{tool}' bash '{s_script}' '{llama}' '{model}' {options}");

    private string Model() => File.Exists(_folder.File("m.gguf")) ? _folder.File("m.gguf") : _folder.Write("m.gguf", "");

    private string[] Calls() => File.ReadAllLines(_folder.File("calls"));

    /// <summary>Writes down how it is called, and prints the next of its rates.</summary>
    private string Engine(string name, params string[] rates) => Script(name, $$"""
        if [ "$1" = --help ]; then echo '-fa, --flash-attn <on|off|auto>'; exit; fi
        echo "{{name}} $*" >>'{{_folder.File("calls")}}'
        count=$(grep -c '^{{name}} ' '{{_folder.File("calls")}}')
        set -- {{string.Join(' ', rates)}}
        shift $(((count - 1) % $#))
        echo "{\"n_prompt\": 8, \"avg_ts\": $1, \"stddev_ts\": 0.000000}"
        """);

    private string Script(string name, string text)
    {
        string path = _folder.Write(name, $"#!/bin/sh\n{text}\n");
        HeteroQwenProcess.RunInShell($"chmod +x '{path}'").MustSucceed();
        return path;
    }
}
