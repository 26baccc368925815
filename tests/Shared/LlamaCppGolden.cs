using System.Text.Json;

namespace HeteroQwen.TestSupport;

/// <summary>What the files beside a model under <c>tests/Golden/llamacpp</c> say: the float64 truth over the file's own weights.</summary>
internal sealed record LlamaCppGolden(int[] Tokens, double[][] Logits64)
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
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(TestData.Path($"llamacpp/{model}.ref64.json")));
        int[] tokens = [.. json.RootElement.GetProperty("tokens").EnumerateArray().Select(t => t.GetInt32())];
        double[][] rows =
        [
            .. json.RootElement.GetProperty("logits").EnumerateArray().Select(r => r.EnumerateArray().Select(x => x.GetDouble()).ToArray()),
        ];
        return new LlamaCppGolden(tokens, rows);
    }
}
