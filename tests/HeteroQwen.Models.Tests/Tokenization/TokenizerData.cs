using System.Text.Json;

namespace HeteroQwen.Models.Tests;

internal static class TokenizerData
{
    private static readonly Lazy<QwenTokenizer> s_qwen3 = new(() => QwenTokenizer.Load(BundledModels.Qwen3TokenizerPath));
    private static readonly Lazy<QwenTokenizer> s_tiny = new(() => QwenTokenizer.Load(TinyTokenizerPath));

    /// <summary>The tokenizer of all eight Qwen3 models.</summary>
    public static QwenTokenizer Qwen3 => s_qwen3.Value;

    /// <summary>The tokenizer of the bundled models.</summary>
    public static QwenTokenizer Tiny => s_tiny.Value;

    public static string TinyTokenizerPath => Path.Combine(BundledModels.PathOf("tiny"), "tokenizer.json");

    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "Data", file);

    public static JsonElement ReadJson(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    public static int[] Ids(this JsonElement element, string property)
        => [.. element.GetProperty(property).EnumerateArray().Select(id => id.GetInt32())];

    public static string Text(this JsonElement element, string property) => element.GetProperty(property).GetString()!;
}
