namespace HeteroQwen.Models;

/// <summary>How the frequencies of the rotary embedding follow from theta.</summary>
public enum RopeType
{
    /// <summary>f_i = theta^(-2i/D).</summary>
    Default,

    /// <summary>The default's frequencies divided by the factor.</summary>
    Linear,

    /// <summary>YaRN: fast dimensions as in the default, slow ones as in linear, a ramp between.</summary>
    Yarn,
}

/// <summary>Parameters of the rotary embedding.</summary>
/// <param name="Type">How the frequencies are scaled.</param>
/// <param name="Theta">The base of the frequencies, above 1.</param>
/// <param name="Factor">How many times longer than <paramref name="OriginalContext"/> the context becomes; 1 for the default type.</param>
/// <param name="OriginalContext">The context that the unscaled model was trained for.</param>
/// <param name="BetaFast">YaRN: dimensions that turn more often than this in the original context are left alone.</param>
/// <param name="BetaSlow">YaRN: dimensions that turn less often than this are divided by the factor.</param>
/// <param name="AttentionFactor">What cos and sin are multiplied with; 1 but for YaRN.</param>
public sealed record RopeSettings(
    RopeType Type,
    double Theta,
    double Factor,
    int OriginalContext,
    double BetaFast = RopeSettings.DefaultBetaFast,
    double BetaSlow = RopeSettings.DefaultBetaSlow,
    double AttentionFactor = 1)
{
    public const double DefaultBetaFast = 32;
    public const double DefaultBetaSlow = 1;

    /// <summary>YaRN's own choice of the attention factor, 0.1 ln(factor) + 1.</summary>
    public static double YarnAttentionFactor(double factor) => factor <= 1 ? 1 : (0.1 * Math.Log(factor)) + 1;
}
