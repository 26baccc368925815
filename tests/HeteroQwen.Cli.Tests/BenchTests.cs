using System.Globalization;
using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

/// <summary>What <c>bench</c> prints; how fast anything was is looked at by nobody here.</summary>
public sealed class BenchTests
{
    private static readonly string[] s_shared =
    [
        "cpu_info", "model_filename", "model_type", "model_size", "model_n_params", "n_ubatch", "n_threads", "type_k", "type_v", "n_prompt",
        "n_gen", "n_depth", "test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns", "samples_ts",
    ];

    [Fact]
    public void Rows_are_the_cross_product_with_the_names_of_llama_bench_and_our_own()
    {
        string[] line = ["bench", "-m", "tiny", "-p", "4", "-n", "2", "-d", "0,16", "-r", "2", "-t", "1", "--kv", "q8_0", "-o", "json"];
        JsonElement[] rows = [.. HeteroQwenProcess.Run(line).MustSucceed().Json.EnumerateArray()];
        Assert.Equal(
            [(4, 0, 0), (0, 2, 0), (4, 0, 16), (0, 2, 16)],
            rows.Select(r => (Int(r, "n_prompt"), Int(r, "n_gen"), Int(r, "n_depth"))));
        Assert.All(rows, row =>
        {
            Assert.Empty(s_shared.Except(row.EnumerateObject().Select(p => p.Name)));
            Assert.Equal(("tiny", "qwen3 3.54 M bf16"), (Text(row, "model_filename"), Text(row, "model_type")));
            Assert.Equal(("cpu", "cpu:0"), (Text(row, "backend"), Text(row, "device")));
            Assert.Equal(("fast", "q8_0"), (Text(row, "precision"), Text(row, "type_k")));
            Assert.Equal((1, 2), (Int(row, "n_threads"), row.GetProperty("samples_ts").GetArrayLength()));
            Assert.True(row.GetProperty("samples_ns").EnumerateArray().All(t => t.GetInt64() > 0));
            MustBePositive(row, "avg_ts", "gb_per_s", "gflop_per_s", "peak_gb_per_s", "peak_gflop_per_s", "percent_of_roof");
            Assert.Contains(Text(row, "bound"), (string?[])["memory", "compute"]);
            Assert.NotEmpty(Text(row, "peak_unit")!);
        });
    }

    [Fact]
    public void Every_backend_has_its_line_in_jsonl()
    {
        string[] lines = HeteroQwenProcess.Run("bench", "-b", "cpu,reference", "-t", "1", "-p", "0", "-n", "2", "-r", "1", "-o", "jsonl")
            .MustSucceed().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["cpu", "reference"], lines.Select(l => Text(JsonDocument.Parse(l).RootElement, "backend")));
    }

    [Fact]
    public void Csv_has_a_line_of_names_and_one_for_each_number_of_threads()
    {
        string[] lines = HeteroQwenProcess.Run("bench", "-t", "1,2", "--tier", "scalar", "-p", "0", "-n", "2", "-r", "2", "-o", "csv")
            .MustSucceed().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        string[][] cells = [.. lines.Select(l => l[1..^1].Split("\",\""))];
        IEnumerable<string> shared = s_shared.Where(n => !n.StartsWith("samples", StringComparison.Ordinal));
        Assert.Equal(shared.Order(), cells[0].Intersect(s_shared).Order());
        Assert.All(cells, row => Assert.Equal(cells[0].Length, row.Length));
        int threads = Array.IndexOf(cells[0], "n_threads");
        Assert.Equal(["1", "2"], cells[1..].Select(row => row[threads]));
        int tier = Array.IndexOf(cells[0], "tier");
        Assert.All(cells[1..], row => Assert.Equal("scalar", row[tier]));
        int rate = Array.IndexOf(cells[0], "avg_ts");
        Assert.All(cells[1..], row => Assert.True(double.Parse(row[rate], CultureInfo.InvariantCulture) > 0));
    }

    [Fact]
    public void Markdown_is_a_table_of_which_each_row_says_all()
    {
        string text = HeteroQwenProcess.Run("bench", "-m", "tiny-moe", "-p", "4", "-n", "0", "-r", "2", "-o", "md").MustSucceed().Out;
        IEnumerable<string> lines = text.Split('\n').Where(l => l.StartsWith('|'));
        string[][] rows = [.. lines.Select(l => l.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
        Assert.Equal(["model", "type", "size", "params", "backend", "tier", "threads", "precision"], rows[0][..8]);
        Assert.Equal(["test", "t/s", "GB/s", "GFLOP/s", "bound"], rows[0][8..]);
        Assert.All(rows[1], rule => Assert.Matches("^-+:?$", rule));
        string[] row = Assert.Single(rows[2..]);
        Assert.Equal(["tiny-moe", "bf16", "12.6 MB", "6.30 M", "cpu:0"], row[..5]);
        Assert.Equal("pp4", row[8]);
        Assert.Matches(@"^[0-9.]+ ± [0-9.]+$", row[9]);
        Assert.Matches(@"^[0-9.]+ \([0-9.]+ %\)$", row[10]);
        Assert.Matches(@"^[0-9.]+ \([0-9.]+ %\)$", row[11]);
        Assert.Contains("measured in this run", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_has_above_it_what_all_rows_share_and_the_operations_beneath_it()
    {
        Outcome outcome = HeteroQwenProcess.Run("bench", "-p", "4", "-n", "2", "-d", "3", "-r", "2", "--per-op", "--no-fuse").MustSucceed();
        string[] lines = outcome.Out.Split('\n');
        Assert.StartsWith("model tiny, type bf16, size 7.08 MB, params 3.54 M, backend cpu:0, ", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^ *test +t/s +GB/s +GFLOP/s +bound$", lines[1]);
        Assert.StartsWith("pp4 @ d3", lines[2].TrimStart(), StringComparison.Ordinal);
        Assert.StartsWith("tg2 @ d3", lines[3].TrimStart(), StringComparison.Ordinal);
        Assert.Contains("ms a prompt, of which ", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("ms a token, of which ", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(2, lines.Count(l => l.StartsWith("linear        layers.*.self_attn.q_proj ", StringComparison.Ordinal)));
        Assert.DoesNotContain("NaN", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Out + outcome.Error);
    }

    [Fact]
    public void Device_that_does_not_measure_itself_has_rates_and_no_limit()
    {
        string plugin = Path.Combine(AppContext.BaseDirectory, "plugins", "HeteroQwen.ToyBackends.dll");
        string[] line = ["bench", "--plugin", plugin, "--host-fallback", "-p", "2", "-n", "0", "-r", "1", "-o", "json"];
        Outcome outcome = HeteroQwenProcess.Run(line).MustSucceed();
        JsonElement row = Assert.Single(outcome.Json.EnumerateArray());
        Assert.Equal("matmulonly", Text(row, "backend"));
        MustBePositive(row, "avg_ts", "gb_per_s", "gflop_per_s");
        string[] limits = ["tier", "n_threads", "peak_gb_per_s", "peak_gflop_per_s", "peak_unit", "bound", "percent_of_roof"];
        Assert.All(limits, name => Assert.Equal(JsonValueKind.Null, row.GetProperty(name).ValueKind));
        Assert.Contains("fallback: ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void File_in_gguf_is_measured_under_the_name_that_was_given()
    {
        string path = TestData.Path("llamacpp/tiny-moe256-q4_k.gguf");
        string[] line = ["bench", "-m", path, "-p", "0", "-n", "2", "-r", "1", "-o", "json"];
        JsonElement row = Assert.Single(HeteroQwenProcess.Run(line).MustSucceed().Json.EnumerateArray());
        Assert.Equal(path, Text(row, "model_filename"));
        Assert.StartsWith("qwen3moe ", Text(row, "model_type"), StringComparison.Ordinal);
    }

    private static int Int(JsonElement row, string name) => row.GetProperty(name).GetInt32();

    private static string? Text(JsonElement row, string name) => row.GetProperty(name).GetString();

    private static void MustBePositive(JsonElement row, params string[] names) =>
        Assert.All(names, name => Assert.True(row.GetProperty(name).GetDouble() is > 0 and < double.PositiveInfinity, name));
}
