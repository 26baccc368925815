using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Reads the rotary embedding's settings: <c>rope_theta</c> and <c>rope_scaling</c> as on the Hub, or <c>rope_parameters</c>
/// as transformers 5 writes it. The meaning is that of transformers' modeling_rope_utils.
/// </summary>
internal static class RopeReader
{
    private static readonly ImmutableArray<string> s_common = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
    private static readonly ImmutableArray<string> s_linear = ["factor", "original_max_position_embeddings"];
    private static readonly ImmutableArray<string> s_yarn = [.. s_linear, "beta_fast", "beta_slow", "attention_factor", "truncate"];

    public static RopeSettings Read(JsonFields config, int maxPositions)
    {
        CheckPartialRotary(config);
        double? theta = Theta(config);
        RopeSettings? hub = config.ObjectOrNull("rope_scaling") is { } scaling ? Read(config, scaling, theta, maxPositions) : null;
        RopeSettings? v5 = config.ObjectOrNull("rope_parameters") is { } rope ? Read(config, rope, theta, maxPositions) : null;
        if (hub is not null && v5 is not null && hub != v5)
        {
            throw new UserErrorException($"{config.File}: rope_scaling and rope_parameters contradict each other; keep one of them");
        }

        return hub ?? v5 ?? new RopeSettings(RopeType.Default, theta ?? throw config.Missing("rope_theta"), 1, maxPositions);
    }

    private static RopeSettings Read(JsonFields config, JsonFields rope, double? configTheta, int maxPositions)
    {
        RopeType type = Type(rope);
        CheckKeys(rope, type);
        CheckPartialRotary(rope);
        double? ownTheta = Theta(rope);
        if (ownTheta is not null && configTheta is not null && ownTheta != configTheta)
        {
            throw rope.Bad("rope_theta", $"the same as the file's other rope_theta, {configTheta}");
        }

        double theta = ownTheta ?? configTheta ?? throw config.Missing("rope_theta");
        if (type == RopeType.Default)
        {
            return new RopeSettings(type, theta, 1, maxPositions);
        }

        double factor = rope.Number("factor", 1, Qwen3Limits.RopeFactor);
        int original = rope.IntOrNull("original_max_position_embeddings", 1, Qwen3Config.MaxContext) ?? maxPositions;
        if (factor * original > Qwen3Config.MaxContext)
        {
            throw rope.Bad("factor", $"at most {Qwen3Config.MaxContext} / {original} (factor x original context is the context's limit)");
        }

        return type == RopeType.Linear ? new RopeSettings(type, theta, factor, original) : Yarn(rope, theta, factor, original);
    }

    private static RopeSettings Yarn(JsonFields rope, double theta, double factor, int original)
    {
        double fast = rope.NumberOrNull("beta_fast", 1e-3, 1e6) ?? RopeSettings.DefaultBetaFast;
        double slow = rope.NumberOrNull("beta_slow", 1e-3, 1e6) ?? RopeSettings.DefaultBetaSlow;
        if (fast < slow)
        {
            throw rope.Bad("beta_fast", $"at least beta_slow, {slow}");
        }

        if (!rope.Flag("truncate", true))
        {
            throw rope.Unsupported("truncate", "only whole correction dims, which is the default, are");
        }

        double attention = rope.NumberOrNull("attention_factor", 1e-3, 1e3) ?? RopeSettings.YarnAttentionFactor(factor);
        return new RopeSettings(RopeType.Yarn, theta, factor, original, fast, slow, attention);
    }

    private static RopeType Type(JsonFields rope)
    {
        string? type = rope.TextOrNull("rope_type");
        string? legacy = rope.TextOrNull("type");
        if (type is not null && legacy is not null && type != legacy)
        {
            throw rope.Bad("type", $"the same as rope_type, \"{Shown.Text(type)}\"");
        }

        string key = type is null ? "type" : "rope_type";
        return (type ?? legacy ?? "default") switch
        {
            "default" => RopeType.Default,
            "linear" => RopeType.Linear,
            "yarn" => RopeType.Yarn,
            _ => throw rope.Unsupported(key, "default, linear and yarn are"),
        };
    }

    private static void CheckKeys(JsonFields rope, RopeType type)
    {
        (string name, ImmutableArray<string> used) = type switch
        {
            RopeType.Default => ("default", []),
            RopeType.Linear => ("linear", s_linear),
            _ => ("yarn", s_yarn),
        };
        foreach (string key in rope.Keys.Where(k => !s_common.Contains(k) && !used.Contains(k)))
        {
            throw rope.Unsupported(key, $"rope type {name} has no such key here");
        }
    }

    private static double? Theta(JsonFields fields) => fields.NumberOrNull("rope_theta", Qwen3Limits.LeastTheta, Qwen3Limits.Theta);

    private static void CheckPartialRotary(JsonFields fields)
    {
        if (fields.NumberOrNull("partial_rotary_factor", 0, 1) is { } partial && partial != 1)
        {
            throw fields.Unsupported("partial_rotary_factor", "only 1 is");
        }
    }
}
