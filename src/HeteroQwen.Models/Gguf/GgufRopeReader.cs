namespace HeteroQwen.Models;

/// <summary>Reads the rotary embedding's settings from the metadata of a GGUF file, as llama.cpp's converter writes them.</summary>
internal static class GgufRopeReader
{
    public static RopeSettings Read(GgufFields fields, int maxPositions)
    {
        const string Factor = "rope.scaling.factor";
        const string Original = "rope.scaling.original_context_length";

        // llama.cpp's default, which no Qwen3 has.
        double theta = fields.NumberOrNull("rope.freq_base", Qwen3Limits.LeastTheta, Qwen3Limits.Theta) ?? 10000;
        RopeType type = Type(fields);
        double? factor = fields.NumberOrNull(Factor, 0, Qwen3Limits.RopeFactor);

        // A factor of 0 is unset. A type that is unset is linear, which scales nothing until there is a factor.
        if (type == RopeType.Default || (type == RopeType.Linear && factor is null or 0))
        {
            return new RopeSettings(RopeType.Default, theta, 1, maxPositions);
        }

        if (factor is null or < 1)
        {
            throw fields.Bad(Factor, $"a number from 1 to {Qwen3Limits.RopeFactor}");
        }

        int original = fields.IntOrNull(Original, 1, Qwen3Config.MaxContext) ?? maxPositions;
        if (factor * original > Qwen3Config.MaxContext)
        {
            throw fields.Bad(Factor, $"at most {Qwen3Config.MaxContext} / {original} (factor x original context is the context's limit)");
        }

        return type == RopeType.Linear
            ? new RopeSettings(type, theta, factor.Value, original)
            : Yarn(fields, theta, factor.Value, original);
    }

    private static RopeSettings Yarn(GgufFields fields, double theta, double factor, int original)
    {
        double fast = fields.NumberOrNull("rope.scaling.yarn_beta_fast", 1e-3, 1e6) ?? RopeSettings.DefaultBetaFast;
        double slow = fields.NumberOrNull("rope.scaling.yarn_beta_slow", 1e-3, 1e6) ?? RopeSettings.DefaultBetaSlow;
        if (fast < slow)
        {
            throw fields.Bad("rope.scaling.yarn_beta_fast", $"at least yarn_beta_slow, {slow}");
        }

        // The converter copies attention_factor of the model's configuration; what that means is what counts.
        double attention = fields.NumberOrNull("rope.scaling.yarn_attn_factor", 1e-3, 1e3) ?? RopeSettings.YarnAttentionFactor(factor);
        return new RopeSettings(RopeType.Yarn, theta, factor, original, fast, slow, attention);
    }

    private static RopeType Type(GgufFields fields) => fields.TextOrNull("rope.scaling.type") switch
    {
        "none" => RopeType.Default,
        null or "linear" => RopeType.Linear,
        "yarn" => RopeType.Yarn,
        _ => throw fields.Unsupported("rope.scaling.type", "none, linear and yarn are"),
    };
}
