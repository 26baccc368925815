using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The two small Qwen3 models that ship with the product: <c>tiny</c> and <c>tiny-moe</c>.</summary>
public static class BundledModels
{
    public static IReadOnlyList<string> Names { get; } = ["tiny", "tiny-moe"];

    /// <summary>Where Qwen3's own tokenizer lies, which belongs to no bundled model: <c>tokenizer.json</c>, compressed.</summary>
    internal static string Qwen3TokenizerPath => Path.Combine(AppContext.BaseDirectory, "models", "qwen3", "tokenizer.json.gz");

    /// <summary>The folder of a bundled model, beside the program whatever the current folder is.</summary>
    /// <exception cref="UserErrorException">No bundled model has this name, or its files are missing.</exception>
    public static string PathOf(string name)
    {
        if (!Names.Contains(name))
            throw new UserErrorException($"No bundled model is named '{name}'; there are {string.Join(" and ", Names)}.");
        var path = Path.Combine(AppContext.BaseDirectory, "models", name);
        if (!File.Exists(Path.Combine(path, "config.json")))
            throw new UserErrorException($"The bundled model '{name}' is missing from {path}; install the program again with its models folder.");
        return path;
    }
}
