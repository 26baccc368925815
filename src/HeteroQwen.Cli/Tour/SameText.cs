using HeteroQwen.Generation;

namespace HeteroQwen.Cli;

/// <summary>
/// Whether two answers are the same text: equal ids up to the first step at which the two best logits of the first answer are so
/// close that rounding may choose. Where one answer was cut short, what both have counts.
/// </summary>
internal static class SameText
{
    /// <summary>The least margin that decides, in exact arithmetic.</summary>
    public const float LeastMargin = 0.001f;

    /// <summary>The first step at which the answers differ, or null if they are the same text.</summary>
    public static int? FirstDifference(GenerationResult first, GenerationResult other)
    {
        int common = Math.Min(first.Ids.Count, other.Ids.Count);
        for (int i = 0; i < common; i++)
        {
            if (first.Margins[i] < LeastMargin)
            {
                return null;
            }

            if (first.Ids[i] != other.Ids[i])
            {
                return i;
            }
        }

        return null;
    }
}
