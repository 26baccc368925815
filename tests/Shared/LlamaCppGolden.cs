using System.Text.Json;

namespace HeteroQwen.TestSupport;

/// <summary>What the files beside a model under <c>tests/Golden/llamacpp</c> say.</summary>
/// <param name="Tokens">The sequence.</param>
/// <param name="Logits64">The float64 truth over the file's own weights.</param>
/// <param name="Logits">What llama.cpp computes.</param>
internal sealed record LlamaCppGolden(int[] Tokens, double[][] Logits64, float[][] Logits)
{
    /// <summary>All models.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Directory.EnumerateFiles(TestData.Path("llamacpp"), "*.gguf")
            .Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal),
    ];

    public static string PathOf(string model) => TestData.Path($"llamacpp/{model}.gguf");

    public static LlamaCppGolden Load(string model)
    {
        (int[] tokens, double[][] truth) = Read($"llamacpp/{model}.ref64.json");
        (_, double[][] theirs) = Read($"llamacpp/{model}.logits.json");
        return new LlamaCppGolden(tokens, truth, [.. theirs.Select(row => row.Select(x => (float)x).ToArray())]);
    }

    private static (int[] Tokens, double[][] Logits) Read(string path)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path(path)));
        int[] tokens = [.. json.RootElement.GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32())];
        double[][] rows =
        [
            .. json.RootElement.GetProperty("logits").EnumerateArray().Select(r => r.EnumerateArray().Select(x => x.GetDouble()).ToArray()),
        ];
        return (tokens, rows);
    }
}
