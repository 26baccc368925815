using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>A model of the user's own: teacher-forced logits of a fixed text against another device's in exact.</summary>
internal static class UserModelCheck
{
    private const int Tokens = 64;

    private const string Text =
        "The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸跳过懒狗。 for (int i = 0; i < 10; i++) { sum += i * i; }\n"
        + "In 1905 a clerk in Bern asked what a beam of light looks like to one who rides beside it; the answer was x' = (x - v t) / sqrt(1 - v^2/c^2).";

    public static ModelFinding Check(ModelRig rig, string model, Device reference)
    {
        IModelSource source = ModelSource.Open(model);
        int[] tokens = Ids(source);
        ModelRun run = rig.Open(source, tokens.Length);
        float[][] got = run.Logits(tokens);
        double[][] truth = [.. rig.OpenElsewhere(source, reference, tokens.Length).Logits(tokens).Select(r => Array.ConvertAll(r, v => (double)v))];
        LogitsBound bound = LogitsBound.Rounded(rig.Context, rig.Precision, run.Engine.KvType, source.Config.IsMoe);
        bound = bound with { Words = $"{bound.Words}; against {reference.Id} in exact" };
        return ModelFinding.Of(LogitsJudge.Judge(truth, got, [.. Enumerable.Range(0, tokens.Length)], bound));
    }

    /// <summary>The text by the model's tokenizer; without one, ids that a fixed rule spreads over the vocabulary.</summary>
    private static int[] Ids(IModelSource source)
    {
        int most = Math.Min(Tokens, source.Config.ContextLimit);
        int[]? ids = source.Text.Tokenizer?.Encode(Text, allowSpecial: false);
        return ids is not null && ids.All(i => i < source.Config.VocabSize)
            ? ids[..Math.Min(ids.Length, most)]
            : [.. Enumerable.Range(1, most).Select(i => (int)(i * 2654435761L % source.Config.VocabSize))];
    }
}
