using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>Which layers attend through a window: <c>layer_types</c> wins, else <c>use_sliding_window</c> decides.</summary>
internal static class WindowReader
{
    public static ImmutableArray<int> Read(JsonFields json, bool moe, int layers)
    {
        int? window = json.IntOrNull("sliding_window", 1, Qwen3Config.MaxContext);
        bool use = json.Flag("use_sliding_window", false);
        int first = json.IntOrNull("max_window_layers", 0, Qwen3Config.MaxContext) ?? -1;
        if (json.TextsOrNull("layer_types") is { } types)
        {
            return ByType(json, types, window, layers);
        }

        if (!use)
        {
            return [.. Enumerable.Repeat(0, layers)];
        }

        if (!json.IsPresent("sliding_window"))
        {
            throw json.Missing("sliding_window");
        }

        // In transformers the models with experts know no max_window_layers: the window holds in every layer.
        if (!moe && first < 0)
        {
            throw json.Missing("max_window_layers");
        }

        return [.. Enumerable.Range(0, layers).Select(i => moe || i >= first ? window ?? 0 : 0)];
    }

    private static ImmutableArray<int> ByType(JsonFields json, ImmutableArray<string> types, int? window, int layers)
    {
        if (types.Length != layers)
        {
            throw json.Bad("layer_types", $"a list of num_hidden_layers, {layers}, strings");
        }

        return [.. types.Select(type => type switch
        {
            "full_attention" => 0,
            "sliding_attention" => window ?? throw json.Missing("sliding_window"),
            _ => throw json.Unsupported("layer_types", $"\"{Shown.Text(type)}\" is neither full_attention nor sliding_attention"),
        })];
    }
}
