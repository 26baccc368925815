using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>A text for any model.</summary>
internal static class FixedText
{
    private const string Text =
        "The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过懒狗。 for (int i = 0; i < 10; i++) { sum += i * i; }\n"
        + "In 1905 a clerk in Bern asked what a beam of light looks like to one who rides beside it; the answer was x' = (x - v t) / sqrt(1 - v^2/c^2).";

    /// <summary>As many ids of the text, over and over, by the model's tokenizer; without one, ids that a fixed rule spreads over the vocabulary.</summary>
    public static int[] Ids(IModelSource model, int count)
    {
        int most = Math.Min(count, model.Config.ContextLimit);
        int[]? ids = model.Text.Tokenizer?.Encode(Text, allowSpecial: false);
        return ids is { Length: > 0 } && ids.All(i => i < model.Config.VocabSize)
            ? [.. Enumerable.Range(0, most).Select(i => ids[i % ids.Length])]
            : [.. Enumerable.Range(1, most).Select(i => (int)(i * 2654435761L % model.Config.VocabSize))];
    }
}
