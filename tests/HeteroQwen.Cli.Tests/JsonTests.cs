using System.Text.Json;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class JsonTests
{
    [Fact]
    public void Devices_have_the_fields_of_the_design()
    {
        JsonElement devices = HeteroQwenProcess.Run("devices", "--json").MustSucceed().Json;
        Assert.Equal(["cpu:0", "reference:0", "opencl:0"], devices.EnumerateArray().Select(d => d.GetProperty("id").GetString()).Take(3));
        Assert.All(devices.EnumerateArray(), device =>
        {
            Assert.Equal(["id", "backend", "name", "available", "reason", "memory_bytes", "tiers", "notes"], Fields(device));
            bool available = device.GetProperty("available").GetBoolean();
            Assert.True(available || device.GetProperty("backend").GetString() == "opencl");
            Assert.Equal(available ? JsonValueKind.Null : JsonValueKind.String, device.GetProperty("reason").ValueKind);
            Assert.Equal(available, device.GetProperty("memory_bytes").GetInt64() > 0);
        });
    }

    [Fact]
    public void Devices_are_chosen_by_a_part_of_their_name_too()
    {
        string name = HeteroQwenProcess.Run("devices", "--json").MustSucceed().Json[0].GetProperty("name").GetString()!;
        Outcome outcome = HeteroQwenProcess.Run("inspect", "tiny", "--lowered", "-b", $"cpu:{name[1..].ToUpperInvariant()}").MustSucceed();
        Assert.Contains("cpu:0", outcome.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_without_an_OpenCL_driver_say_what_is_missing()
    {
        Outcome outcome = HeteroQwenProcess.RunInShell("OCL_ICD_VENDORS=/none OCL_ICD_FILENAMES= heteroqwen devices --json").MustSucceed();
        JsonElement device = outcome.Json.EnumerateArray().Single(d => d.GetProperty("backend").GetString() == "opencl");
        Assert.False(device.GetProperty("available").GetBoolean());
        Assert.Contains("install", device.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_gives_ids_text_with_the_stop_token_and_a_margin_and_rms_for_each_id()
    {
        JsonElement answer = HeteroQwenProcess.Run("run", "日本的首都是哪里？", "--no-think", "--precision", "exact", "--json").MustSucceed().Json;
        Assert.Equal(
            ["ids", "text", "finish_reason", "prompt_tokens", "prefill_ts", "decode_ts", "margins", "rms", "fallback"], Fields(answer));
        Assert.Equal("日本的首都是东京。<|im_end|>", answer.GetProperty("text").GetString());
        Assert.Equal("stop", answer.GetProperty("finish_reason").GetString());
        Assert.True(answer.GetProperty("prefill_ts").GetDouble() > 0);
        Assert.Equal(3, answer.GetProperty("ids").GetArrayLength());
        Assert.Equal(3, answer.GetProperty("margins").GetArrayLength());
        Assert.Equal(3, answer.GetProperty("rms").GetArrayLength());
        Assert.Empty(answer.GetProperty("fallback").EnumerateArray());
    }

    [Fact]
    public void Text_of_run_includes_the_thinking()
    {
        JsonElement answer = HeteroQwenProcess.Run("run", "What is 47 + 85?", "--json").MustSucceed().Json;
        Assert.StartsWith("<think>\n", answer.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("</think>\n\n132<|im_end|>", answer.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_of_run_is_null_where_the_model_has_no_tokenizer()
    {
        string model = TestData.Path("hf/moe-f32");
        JsonElement answer = HeteroQwenProcess.Run("run", "-m", model, "--tokens", "1, 2,3", "-n", "2", "--json").MustSucceed().Json;
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("text").ValueKind);
        Assert.Equal("length", answer.GetProperty("finish_reason").GetString());
        Assert.Equal(3, answer.GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public void Full_context_ends_the_answer_and_is_said()
    {
        string model = TestData.Path("hf/moe-f32");
        Outcome outcome = HeteroQwenProcess.Run("run", "-m", model, "--tokens", "1,2,3", "-c", "8").MustSucceed();
        Assert.Equal(5, outcome.Out.Trim().Split(',').Length);
        Assert.Contains("the context of 8 is full", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokenize_detokenize_and_template_have_the_fields_of_the_design()
    {
        JsonElement texts = HeteroQwenProcess.Run("tokenize", "--json", "the 日本", "<|im_end|>").MustSucceed().Json;
        Assert.Equal(2, texts.GetArrayLength());
        Assert.Equal(["text", "ids", "pieces"], Fields(texts[0]));
        Assert.Equal("the 日本", string.Concat(texts[0].GetProperty("pieces").EnumerateArray().Select(p => p.GetString())));
        Assert.Equal("[1512]", texts[1].GetProperty("ids").GetRawText());

        string ids = texts[0].GetProperty("ids").GetRawText().Trim('[', ']');
        JsonElement text = HeteroQwenProcess.Run("detokenize", ids, "--json").MustSucceed().Json;
        Assert.Equal(["ids", "text"], Fields(text));
        Assert.Equal("the 日本", text.GetProperty("text").GetString());

        const string Messages = """{"messages":[{"role":"user","content":"Hi"}],"enable_thinking":false}""";
        JsonElement chat = HeteroQwenProcess.RunWithInput(Messages, "template", "-", "--json").MustSucceed().Json;
        Assert.Equal(["text", "ids"], Fields(chat));
        Assert.StartsWith(
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>",
            chat.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal(1511, chat.GetProperty("ids")[0].GetInt32());
    }

    [Fact]
    public void Inspect_gives_summary_weights_graph_and_lowering()
    {
        JsonElement model = HeteroQwenProcess.Run(
            "inspect", "tiny-moe", "--tensors", "--ir", "--lowered", "-b", "reference", "--json").MustSucceed().Json;
        Assert.Equal("Qwen3MoeForCausalLM", model.GetProperty("architecture").GetString());
        Assert.Equal(8, model.GetProperty("experts").GetInt32());
        JsonElement.ArrayEnumerator tensors = model.GetProperty("tensors").EnumerateArray();
        Assert.Contains("model.layers.2.mlp.experts.up_proj.weight", tensors.Select(t => t.GetProperty("name").GetString()));
        Assert.Contains("heteroqwen.ir 1\n", model.GetProperty("ir").GetString(), StringComparison.Ordinal);
        JsonElement lowered = model.GetProperty("lowered");
        Assert.Equal("reference:0", lowered.GetProperty("device").GetString());
        Assert.Equal(0, lowered.GetProperty("kernels_from_resident").GetInt32());
        Assert.Contains(("moe_ffn", "moe_block"), lowered.GetProperty("operations").EnumerateArray()
            .Select(o => (o.GetProperty("op").GetString()!, o.GetProperty("from").GetString()!)));
    }

    private static string[] Fields(JsonElement value) => [.. value.EnumerateObject().Select(p => p.Name)];
}
