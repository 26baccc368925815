namespace HeteroQwen.Models;

/// <summary>
/// cos and sin of the rotary embedding: cos[t, i] = cos[t, i + D/2] = a cos(p_t f_i), sin likewise, with the frequencies f_i
/// of <see cref="RopeSettings"/> and its attention factor a.
/// </summary>
/// <remarks>Angles are float64: in float32, position 1500 is already 1e-4 off in the logits.</remarks>
public sealed class RopeTable
{
    private readonly double[] _frequencies;
    private readonly double _scale;

    /// <param name="headDim">D, the even size of a head.</param>
    /// <param name="rope">Checked settings, as <see cref="Qwen3Config.Rope"/> has them.</param>
    public RopeTable(int headDim, RopeSettings rope)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(headDim, 2);
        ArgumentNullException.ThrowIfNull(rope);
        if (headDim % 2 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(headDim), headDim, "must be even");
        }

        _scale = rope.AttentionFactor;
        _frequencies = new double[headDim / 2];
        for (int i = 0; i < _frequencies.Length; i++)
        {
            double frequency = Math.Pow(rope.Theta, -2.0 * i / headDim);
            _frequencies[i] = rope.Type switch
            {
                RopeType.Default => frequency,
                RopeType.Linear => frequency / rope.Factor,
                _ => frequency * (1 - Ramp(i, headDim, rope)) + (frequency / rope.Factor * Ramp(i, headDim, rope)),
            };
        }
    }

    public int HeadDim => _frequencies.Length * 2;

    /// <summary>Fills rows [T, D] for T positions; allocates nothing.</summary>
    /// <exception cref="ArgumentException">cos or sin is not T x D long.</exception>
    public void Fill(ReadOnlySpan<int> positions, Span<float> cos, Span<float> sin)
    {
        int half = _frequencies.Length;
        int length = checked(positions.Length * half * 2);
        if (cos.Length != length || sin.Length != length)
        {
            throw new ArgumentException($"cos and sin need {length} elements, but have {cos.Length} and {sin.Length}");
        }

        for (int t = 0; t < positions.Length; t++)
        {
            Span<float> c = cos.Slice(t * half * 2, half * 2);
            Span<float> s = sin.Slice(t * half * 2, half * 2);
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(positions[t] * _frequencies[i]);
                c[i] = c[i + half] = (float)(cosine * _scale);
                s[i] = s[i + half] = (float)(sine * _scale);
            }
        }
    }

    /// <summary>
    /// YaRN's share of interpolation in dimension pair i: 0 below the dimension that turns beta_fast times in the original
    /// context, 1 above the one that turns beta_slow times. As transformers has it, which also fixes the degenerate cases.
    /// </summary>
    private static double Ramp(int i, int headDim, RopeSettings rope)
    {
        double low = Math.Max(Math.Floor(CorrectionDim(rope.BetaFast, headDim, rope)), 0);
        double high = Math.Min(Math.Ceiling(CorrectionDim(rope.BetaSlow, headDim, rope)), headDim - 1);
        if (low == high)
        {
            high += 0.001;
        }

        return Math.Clamp((i - low) / (high - low), 0, 1);
    }

    private static double CorrectionDim(double turns, int headDim, RopeSettings rope) =>
        headDim * Math.Log(rope.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));
}
