using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>A question to a bundled model, and what transformers answered in float32.</summary>
/// <param name="Task">Kind of the question.</param>
/// <param name="Prompt">The prompt's ids.</param>
/// <param name="Ids">Ids of the answer, the stop token included.</param>
/// <param name="Expected">The right answer.</param>
/// <param name="Margin">The least distance between the two best logits on the way.</param>
/// <param name="WasRight">Whether the recorded answer is right.</param>
internal sealed record ModelTask(string Task, int[] Prompt, int[] Ids, string Expected, double Margin, bool WasRight)
{
    /// <exception cref="UserErrorException">The file is missing or damaged.</exception>
    public static ModelTask[] Load(string model)
    {
        string path = Path.Combine(BundledModels.PathOf(model), "tasks.json");
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. json.RootElement.EnumerateArray().Select(t => new ModelTask(
                t.GetProperty("task").GetString()!,
                Ints(t.GetProperty("prompt_ids")),
                Ints(t.GetProperty("greedy_ids")),
                t.GetProperty("expected").GetString()!,
                t.GetProperty("least_margin").GetDouble(),
                t.GetProperty("correct").GetBoolean()))];
        }
        catch (Exception e) when (e is IOException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new UserErrorException($"{path}: the tasks cannot be read ({e.Message.TrimEnd('.')}); install the program again", e);
        }
    }

    /// <summary>
    /// Whether an answer is right: what follows the thinking equals the expected answer; a story begins with its first sentence and
    /// ends well.
    /// </summary>
    public bool IsRight(string text)
    {
        string said = text[(text.LastIndexOf("</think>", StringComparison.Ordinal) is var at and >= 0 ? at + "</think>".Length : 0)..]
            .Replace("<|im_end|>", "", StringComparison.Ordinal).Trim();
        return Task == "story"
            ? said.StartsWith(Expected.Split(". ")[0], StringComparison.Ordinal) && said.EndsWith("the two became friends.", StringComparison.Ordinal)
            : said == Expected;
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
