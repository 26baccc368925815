using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class GoldenTests
{
    private const string Model = "dense-tied-f32";

    private static readonly GoldenLogits s_golden = GoldenLogits.Load(Model);

    private static string Tokens => string.Join(',', s_golden.Tokens);

    [Fact]
    public void Greedy_ids_are_those_of_the_golden_file()
    {
        Outcome outcome = HeteroQwenProcess.Run(
            "run", "-m", TestData.Path($"hf/{Model}"), "--tokens", Tokens, "--precision", "exact", "--temp", "0", "-n", "16").MustSucceed();
        Assert.Equal(string.Join(',', s_golden.Greedy) + "\n", outcome.Out);
        Assert.Contains("exact, kv f32, cpu:0", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpu", 1e-4)]
    [InlineData("reference", 1e-5)]
    public void Logits_are_within_the_bounds(string backend, double bound)
    {
        JsonElement result = HeteroQwenProcess.Run(
            "logits", "-m", TestData.Path($"hf/{Model}"), "-b", backend, "--tokens", Tokens).MustSucceed().Json;
        Assert.Equal(s_golden.Tokens, result.GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32()));
        JsonElement logits = result.GetProperty("logits");
        Assert.Equal(s_golden.Tokens.Length, logits.GetArrayLength());
        for (int i = 0; i < s_golden.Rows.Length; i++)
        {
            double[] row = [.. logits[s_golden.Rows[i]].EnumerateArray().Select(v => (double)v.GetSingle())];
            double[] truth = s_golden.Row(i).ToArray();
            Assert.Equal(truth.Length, row.Length);
            Assert.True(row.Zip(truth, (a, b) => Math.Abs(a - b)).Max() <= bound, $"row {i} is further off than {bound}");
        }
    }

    [Fact]
    public void Logits_in_a_file_are_the_same_bytes_for_any_number_of_threads()
    {
        using TempFolder folder = new();
        string[] files = [folder.File("one.json"), folder.File("three.json")];
        HeteroQwenProcess.Run("logits", "--text", "What is 47 + 85?", "-t", "1", "-o", files[0]).MustSucceed();
        HeteroQwenProcess.Run("logits", "--text", "What is 47 + 85?", "-t", "3", "-o", files[1]).MustSucceed();
        Assert.Equal(File.ReadAllText(files[0]), File.ReadAllText(files[1]));
        Assert.EndsWith("]]}\n", File.ReadAllText(files[0]), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_of_the_graph_parses_back()
    {
        string page = HeteroQwenProcess.Run("inspect", "tiny", "--ir").MustSucceed().Out;
        Graph graph = GraphParser.Parse(page);
        Assert.Equal(page[page.IndexOf("heteroqwen.ir", StringComparison.Ordinal)..], GraphPrinter.Print(graph));
    }
}
