using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>
/// A bundled model's tasks. In exact the recorded ids, wherever the margin tells the two best tokens apart; in fast as many right
/// answers as recorded less 2 %, pooled over all tasks but addition_quick.
/// </summary>
internal static class TasksCheck
{
    private const int Together = 16;
    private const double Loss = 0.02;

    /// <param name="rig">The device.</param>
    /// <param name="model">The bundled model.</param>
    /// <param name="perKind">How many of each kind; null for all. Those with the shortest answers whose margin no legal rounding bridges.</param>
    public static ModelFinding Check(ModelRig rig, string model, int? perKind)
    {
        ModelTask[] tasks = ModelTask.Load(model);
        if (perKind is { } count)
        {
            tasks = [.. tasks.Where(t => t.WasRight && t.Margin > 1).GroupBy(t => t.Task)
                .SelectMany(k => k.OrderBy(t => t.Prompt.Length + t.Ids.Length).Take(count))];
        }

        int longest = tasks.Max(t => t.Prompt.Length + t.Ids.Length + 8);
        IModelSource source = ModelSource.Open(BundledModels.PathOf(model));
        ModelRun run = rig.Open(source, rig.Room(longest, Together), Together);
        GenerationRequest[] requests = [.. tasks.Select(t => new GenerationRequest(t.Prompt) { MaxTokens = t.Ids.Length + 8 })];
        IReadOnlyList<GenerationResult> results = Generator.RunAll(run.Engine, requests);
        return rig.Precision == Precision.Exact
            ? SameIds(tasks, results)
            : Accuracy(source.Text.RequireTokenizer(), [.. tasks.Zip(results).Where(r => r.First.Task != "addition_quick")]);
    }

    private static ModelFinding SameIds(ModelTask[] tasks, IReadOnlyList<GenerationResult> results)
    {
        (ModelTask Task, GenerationResult Result)[] judged = [.. tasks.Zip(results).Where(r => r.First.Margin > SameText.ExactMargin)];
        foreach ((ModelTask task, GenerationResult result) in judged)
        {
            if (!task.Ids.AsSpan().SequenceEqual([.. result.Ids]))
            {
                int at = task.Ids.AsSpan().CommonPrefixLength([.. result.Ids]);
                return new($"{task.Task} {Array.IndexOf(tasks, task)} of {tasks.Length}: token {at + 1} of the answer is not as recorded, "
                    + FormattableString.Invariant($"though the margin is never below {task.Margin:g3}"));
            }
        }

        return new(null as string) { Mistrust = judged.Length == 0 ? "no task has a margin that tells the best tokens apart" : null };
    }

    private static ModelFinding Accuracy(QwenTokenizer tokenizer, (ModelTask Task, GenerationResult Result)[] judged)
    {
        int recorded = judged.Count(j => j.Task.WasRight);
        int right = judged.Count(j => j.Task.IsRight(tokenizer.Decode(j.Result.Ids)));
        double least = recorded - (Loss * judged.Length);
        return new(right >= least ? null : $"{right} of {judged.Length} answers are right; recorded {recorded}, at most 2 % fewer are allowed");
    }
}
