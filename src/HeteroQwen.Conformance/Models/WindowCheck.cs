using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>
/// A golden model with a window of five entries in every second layer, against the host behind the device in exact: no golden file
/// has windows.
/// </summary>
internal static class WindowCheck
{
    private const int Window = 5;

    public static ModelFinding Check(ModelRig rig, string name)
    {
        GoldenModel golden = GoldenModel.Load(name);
        Windowed model = new(ModelSource.Open(GoldenModel.PathOf(name)));
        ModelRun run = rig.Open(model, golden.Tokens.Length);
        float[][] expected = rig.OpenElsewhere(model, rig.Context.Host, golden.Tokens.Length).Logits(golden.Tokens);
        double[][] truth = [.. expected.Select(r => Array.ConvertAll(r, v => (double)v))];
        LogitsBound bound = run.Bound(rig);
        bound = bound with { Largest = bound.Largest is null ? null : 2e-4 };
        return ModelFinding.Worst(
        [
            .. ((int?[])[null, 1]).Select(chunk => ModelFinding.Of(LogitsJudge.Judge(
                truth, run.Logits(golden.Tokens, chunk), [.. Enumerable.Range(0, truth.Length)], bound))),
        ]);
    }

    private sealed class Windowed(IModelSource inner) : IModelSource
    {
        public string Name => inner.Name;

        public Qwen3Config Config { get; } = inner.Config with
        {
            Windows = [.. Enumerable.Range(0, inner.Config.Layers).Select(i => i % 2 == 0 ? Window : 0)],
        };

        public GenerationConfig Generation => inner.Generation;

        public ModelText Text => inner.Text;

        public IReadOnlyCollection<string> Names => inner.Names;

        public IReadOnlyList<string> Warnings => inner.Warnings;

        public ConstantData Get(string constantName) => inner.Get(constantName);

        public long Release(string constantName) => inner.Release(constantName);

        public void Dispose() => inner.Dispose();
    }
}
