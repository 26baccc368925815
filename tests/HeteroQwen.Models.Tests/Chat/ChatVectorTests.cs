using System.Text;
using System.Text.Json;

namespace HeteroQwen.Models.Tests;

/// <summary>Text and ids that transformers gives.</summary>
public sealed class ChatVectorTests
{
    [Fact]
    public void Render_every_vector_gives_its_text_and_ids()
    {
        var vectors = TokenizerData.ReadJson(TokenizerData.PathOf("chat-vectors.json")).EnumerateArray().ToList();
        Assert.Equal(25, vectors.Count);
        Assert.All(vectors, vector =>
        {
            var rendered = ChatTemplate.Qwen3.Render(Request(vector, vector.GetProperty("options")));
            Assert.Equal(vector.Text("text"), rendered.Text);
            Assert.Equal(vector.Ids("ids"), rendered.Encode(TokenizerData.Qwen3));
        });
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Render_every_task_of_a_bundled_model_gives_its_prompt_ids(string model)
    {
        var folder = BundledModels.PathOf(model);
        var template = ChatTemplate.Load(folder);
        var tokenizer = QwenTokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        var tasks = TokenizerData.ReadJson(Path.Combine(folder, "tasks.json")).EnumerateArray().ToList();
        Assert.Equal(320, tasks.Count);
        Assert.All(tasks, task =>
        {
            Assert.Equal(task.Ids("prompt_ids"), template.Render(Request(task, task)).Encode(tokenizer));
            Assert.Equal(task.Text("greedy_text"), tokenizer.Decode(task.Ids("greedy_ids")));
        });
    }

    private static ChatRequest Request(JsonElement vector, JsonElement options)
    {
        var fields = options.EnumerateObject().Where(field => field.Name is "tools" or "enable_thinking" or "add_generation_prompt")
            .Select(field => $",\"{field.Name}\":{field.Value.GetRawText()}");
        var json = $"{{\"messages\":{vector.GetProperty("messages").GetRawText()}{string.Concat(fields)}}}";
        return ChatRequest.Parse(Encoding.UTF8.GetBytes(json), "vector");
    }
}
