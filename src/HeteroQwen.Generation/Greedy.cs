namespace HeteroQwen.Generation;

/// <summary>A token chosen from a row of logits.</summary>
/// <param name="Id">The token.</param>
/// <param name="Margin">The distance of the two best logits; 0 where there is but one token. At most the largest float.</param>
/// <param name="Rms">The root of the mean square of the row, less those that are -inf; not finite where one is NaN or +inf, or all are -inf.</param>
public readonly record struct Choice(int Id, float Margin, float Rms);

/// <summary>Chooses the largest logit, the lower id among equals.</summary>
public static class Greedy
{
    public static Choice Choose(ReadOnlySpan<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfZero(logits.Length);
        (int best, float first, float second) = (0, logits[0], float.NegativeInfinity);
        (double squares, int possible) = (0, logits.Length);
        for (int i = 0; i < logits.Length; i++)
        {
            float value = logits[i];
            if (value == float.NegativeInfinity)
            {
                possible--;
                continue;
            }

            squares += (double)value * value;
            if (value > first)
            {
                (best, first, second) = (i, value, first);
            }
            else if (value > second && i > 0)
            {
                second = value;
            }
        }

        float margin = logits.Length == 1 ? 0 : Math.Min(first - second, float.MaxValue);
        return new Choice(best, margin, (float)Math.Sqrt(squares / possible));
    }
}
