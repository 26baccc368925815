using System.Text.Json;
using HeteroQwen.Backends;
using HeteroQwen.Models;

namespace HeteroQwen.Generation.Tests;

/// <summary>The bundled models answer the questions of their <c>tasks.json</c> with the ids that transformers gave.</summary>
public sealed class TaskTests
{
    /// <summary>Below it, two right implementations in float32 may part.</summary>
    private const double LeastMargin = 0.001;

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void All_tasks_on_the_cpu_give_the_recorded_ids(string model)
    {
        ModelTask[] tasks = Load(model);
        Assert.Equal(320, tasks.Length);
        Assert.InRange(Answer(model, "cpu", tasks), 318, 320);
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void One_of_each_task_on_the_reference_gives_the_recorded_ids(string model)
    {
        // The shortest answers, for the reference is slow.
        IEnumerable<IGrouping<string, ModelTask>> kinds = Load(model).Where(t => t.Margin > LeastMargin).GroupBy(t => t.Name);
        ModelTask[] sample = [.. kinds.Select(k => k.MinBy(t => t.Prompt.Length + t.Ids.Length)!)];
        Assert.Equal(8, sample.Length);
        Assert.Equal(8, Answer(model, "reference", sample));
    }

    /// <summary>Answers the tasks, asserts the ids wherever the margin allows, and returns how many that were.</summary>
    private static int Answer(string name, string backend, ModelTask[] tasks)
    {
        Opening opening = new(backend)
        {
            Threads = backend == "cpu" ? 2 : 1,
            Page = 64,
            Options = new() { Precision = Precision.Exact, MaxSequences = 16, Context = 16 * 384 },
        };
        using OpenModel model = new(BundledModels.PathOf(name), opening);
        GenerationRequest[] requests = [.. tasks.Select(t => new GenerationRequest(t.Prompt) { MaxTokens = t.Ids.Length + 8 })];
        IReadOnlyList<GenerationResult> results = Generator.RunAll(model.Engine, requests, TestContext.Current.CancellationToken);
        int compared = 0;
        foreach ((ModelTask task, GenerationResult result) in tasks.Zip(results).Where(r => r.First.Margin > LeastMargin))
        {
            Assert.Equal(task.Ids, result.Ids);
            Assert.Equal(FinishReason.Stop, result.FinishReason);
            compared++;
        }

        Assert.Equal(model.Engine.Pages, model.Engine.FreePages);
        return compared;
    }

    private static ModelTask[] Load(string model)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(BundledModels.PathOf(model), "tasks.json")));
        return [.. json.RootElement.EnumerateArray().Select(t => new ModelTask(
            t.GetProperty("task").GetString()!,
            Ints(t.GetProperty("prompt_ids")),
            Ints(t.GetProperty("greedy_ids")),
            t.GetProperty("least_margin").GetDouble()))];
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];

    private sealed record ModelTask(string Name, int[] Prompt, int[] Ids, double Margin);
}
