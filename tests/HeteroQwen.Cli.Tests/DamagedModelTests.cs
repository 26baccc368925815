using System.Text;
using System.Text.Json.Nodes;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Cli.Tests;

public sealed class DamagedModelTests
{
    private const string Single = "dense-tied-f32";
    private const string Sharded = "dense-untied-f32-sharded";

    [Fact]
    public void Truncated_weights_are_refused()
    {
        using TempFolder folder = TempFolder.CopyOf(Single);
        byte[] bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        folder.Write("model.safetensors", bytes[..(bytes.Length / 2)]);
        MustRefuse(folder, "model.safetensors");
    }

    [Fact]
    public void Header_that_claims_more_than_the_file_is_refused()
    {
        using TempFolder folder = TempFolder.CopyOf(Single);
        byte[] bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        BitConverter.GetBytes(long.MaxValue).CopyTo(bytes, 0);
        folder.Write("model.safetensors", bytes);
        MustRefuse(folder, "model.safetensors");
    }

    [Fact]
    public void Overlapping_tensors_are_refused()
    {
        using TempFolder folder = TempFolder.CopyOf(Single);
        byte[] bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        int length = checked((int)BitConverter.ToInt64(bytes));
        JsonObject header = JsonNode.Parse(Encoding.UTF8.GetString(bytes, 8, length))!.AsObject();
        JsonArray Offsets(int layer) => header[$"model.layers.{layer}.input_layernorm.weight"]!["data_offsets"]!.AsArray();
        (Offsets(1)[0], Offsets(1)[1]) = ((long)Offsets(0)[0]!, (long)Offsets(0)[1]!);
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        folder.Write("model.safetensors", [.. BitConverter.GetBytes((long)text.Length), .. text, .. bytes.AsSpan(8 + length)]);
        MustRefuse(folder, "model.safetensors", "input_layernorm");
    }

    [Fact]
    public void Index_that_points_outside_its_folder_is_refused()
    {
        using TempFolder folder = TempFolder.CopyOf(Sharded);
        Edit(folder, "model.safetensors.index.json", root => root["weight_map"]!["model.norm.weight"] = "../outside.safetensors");
        MustRefuse(folder, "model.safetensors.index.json", "model.norm.weight", "../outside.safetensors");
    }

    [Fact]
    public void Missing_tensor_is_named()
    {
        using TempFolder folder = TempFolder.CopyOf(Sharded);
        Edit(folder, "model.safetensors.index.json", root => root["weight_map"]!.AsObject().Remove("model.norm.weight"));
        MustRefuse(folder, "model.norm.weight");
    }

    [Theory]
    [InlineData("hidden_size", "128")]
    [InlineData("num_hidden_layers", "2000000000")]
    [InlineData("num_attention_heads", "1e30")]
    [InlineData("vocab_size", "-5")]
    [InlineData("model_type", "\"llama\"")]
    [InlineData("rope_scaling", "{\"rope_type\":\"longrope\",\"factor\":2}")]
    public void Wrong_config_is_refused(string key, string value)
    {
        using TempFolder folder = TempFolder.CopyOf(Single);
        Edit(folder, "config.json", root => root[key] = JsonNode.Parse(value));
        MustRefuse(folder, "config.json");
    }

    [Fact]
    public void Weights_that_cannot_be_read_are_named()
    {
        using TempFolder folder = TempFolder.CopyOf(Single);
        File.Delete(folder.File("model.safetensors"));
        Directory.CreateDirectory(folder.File("model.safetensors"));
        MustRefuse(folder, folder.Path);
    }

    [Fact]
    public void Folder_with_only_a_tokenizer_is_enough_for_text()
    {
        using TempFolder folder = new();
        string tiny = Path.Combine(AppContext.BaseDirectory, "models", "tiny");
        File.Copy(Path.Combine(tiny, "tokenizer.json"), folder.File("tokenizer.json"));
        File.Copy(Path.Combine(tiny, "tokenizer_config.json"), folder.File("tokenizer_config.json"));
        Assert.Contains("1512", HeteroQwenProcess.Run("tokenize", "-m", folder.Path, "<|im_end|>").MustSucceed().Out.Split(' ', '\n'));
        Assert.Equal("<|im_end|>\n", HeteroQwenProcess.Run("detokenize", "-m", folder.Path, "1512").MustSucceed().Out);
        HeteroQwenProcess.Run("run", "-m", folder.Path, "hi").MustRefuse(2, "config.json");
    }

    private static void MustRefuse(TempFolder folder, params string[] parts) =>
        HeteroQwenProcess.Run("run", "-m", folder.Path, "--tokens", "1,2").MustRefuse(2, parts);

    private static void Edit(TempFolder folder, string file, Action<JsonNode> edit)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(folder.File(file)))!;
        edit(root);
        folder.Write(file, root.ToJsonString());
    }
}
