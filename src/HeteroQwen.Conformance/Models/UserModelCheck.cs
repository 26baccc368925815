using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>A model of the user's own: teacher-forced logits of a fixed text against another device's in exact.</summary>
internal static class UserModelCheck
{
    private const int Tokens = 64;

    public static ModelFinding Check(ModelRig rig, string model, Device reference)
    {
        IModelSource source = ModelSource.Open(model);
        int[] tokens = FixedText.Ids(source, Tokens);
        ModelRun run = rig.Open(source, tokens.Length);
        float[][] got = run.Logits(tokens);
        double[][] truth = [.. rig.OpenElsewhere(source, reference, tokens.Length).Logits(tokens).Select(r => Array.ConvertAll(r, v => (double)v))];
        LogitsBound bound = LogitsBound.Rounded(rig.Context.Device.Capabilities, rig.Precision, run.Engine.KvType, source.Config.IsMoe);
        bound = bound with { Words = $"{bound.Words}; against {reference.Id} in exact" };
        return ModelFinding.Of(LogitsJudge.Judge(truth, got, [.. Enumerable.Range(0, tokens.Length)], bound));
    }
}
