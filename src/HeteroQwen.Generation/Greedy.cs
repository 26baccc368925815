namespace HeteroQwen.Generation;

/// <summary>A token chosen from a row of logits.</summary>
/// <param name="Id">The token.</param>
/// <param name="Margin">The distance of the two best logits; 0 where there is but one token.</param>
/// <param name="Rms">The root of the mean square of the row.</param>
public readonly record struct Choice(int Id, float Margin, float Rms);

/// <summary>Chooses the largest logit, the lower id among equals.</summary>
public static class Greedy
{
    public static Choice Choose(ReadOnlySpan<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfZero(logits.Length);
        (int best, float first, float second) = (0, logits[0], float.NegativeInfinity);
        double squares = (double)first * first;
        for (int i = 1; i < logits.Length; i++)
        {
            float value = logits[i];
            squares += (double)value * value;
            if (value > first)
            {
                (best, first, second) = (i, value, first);
            }
            else if (value > second)
            {
                second = value;
            }
        }

        return new Choice(best, logits.Length == 1 ? 0 : first - second, (float)Math.Sqrt(squares / logits.Length));
    }
}
