using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class HuggingFaceFolderTests
{
    private const string Single = "model.safetensors";
    private const string Sharded = "dense-untied-f32-sharded";
    private const string Last = "model-00008-of-00008.safetensors";
    private const string Index = "model.safetensors.index.json";

    /// <summary>Opens a spoilt copy and checks the sentence.</summary>
    private static void AssertRefused(string model, Action<TempFolder> spoil, params string[] words)
    {
        using TempFolder folder = TempFolder.CopyOf(model);
        spoil(folder);
        UserErrorException e = Assert.Throws<UserErrorException>(() => HuggingFaceFolder.Open(folder.Path).Dispose());
        Sentence.AssertNames(e, [folder.Path, .. words]);
    }

    private static void Replace(TempFolder folder, string file, string old, string now) =>
        folder.Write(file, File.ReadAllText(folder.File(file)).Replace(old, now, StringComparison.Ordinal));

    private static void ReplaceInHeader(TempFolder folder, string file, string old, string now)
    {
        byte[] bytes = File.ReadAllBytes(folder.File(file));
        string header = SafetensorsBytes.Split(bytes).Header;
        Assert.Contains(old, header, StringComparison.Ordinal);
        folder.Write(file, SafetensorsBytes.WithHeader(bytes, header.Replace(old, now, StringComparison.Ordinal)));
    }

    [Fact]
    public void Open_missing_folder_or_weights_is_a_sentence()
    {
        using TempFolder folder = new();
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => HuggingFaceFolder.Open(folder.File("none"))), "none", "folder");
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => HuggingFaceFolder.Open(folder.Path)), "config.json");
        AssertRefused(ConfigFile.Dense, f => File.Delete(f.File(Single)), Single, Index);
    }

    [Theory]
    [InlineData("model.layers.1.mlp.up_proj.weight")]
    [InlineData("model.norm.weight")]
    [InlineData("model.embed_tokens.weight")]
    public void Open_missing_tensor_is_named(string tensor) => AssertRefused(
        ConfigFile.Dense, f => ReplaceInHeader(f, Single, $"\"{tensor}\"", "\"other\""), Single, tensor, "missing");

    [Fact]
    public void Open_missing_expert_is_named() => AssertRefused(
        ConfigFile.Moe, f => ReplaceInHeader(f, Single, "layers.2.mlp.experts.7.down_proj", "layers.2.mlp.experts.8.down_proj"),
        Single, "model.layers.2.mlp.experts.7.down_proj.weight", "[64, 48]");

    [Theory]
    [InlineData("\"shape\":[64,176]", "\"shape\":[176,64]", "mlp.down_proj.weight", "[176, 64]", "[64, 176]")]
    [InlineData("\"shape\":[32]", "\"shape\":[1,32]", "_norm.weight", "[1, 32]", "[32]")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[32]", "\"dtype\":\"I32\",\"shape\":[32]", "_norm.weight", "I32", "BF16")]
    [InlineData("\"dtype\":\"F32\",\"shape\":[64,176]", "\"dtype\":\"F8_E4M3\",\"shape\":[64,704]", "mlp.down_proj.weight", "[64, 704]")]
    public void Open_wrong_shape_or_type_names_the_tensor(string old, string now, params string[] words) =>
        AssertRefused(ConfigFile.Dense, f => ReplaceInHeader(f, Single, old, now), [Single, .. words]);

    [Theory]
    [InlineData("vocab_size", "400", "model.embed_tokens.weight", "[400, 64]")]
    [InlineData("num_hidden_layers", "1000", "model.layers.3.", "missing")]
    [InlineData("tie_word_embeddings", "false", "lm_head.weight", "missing")]
    [InlineData("attention_bias", "true", "self_attn.q_proj.bias", "missing")]
    public void Open_config_of_another_model_names_the_tensor(string key, string json, params string[] words) =>
        AssertRefused(ConfigFile.Dense, f => f.Write("config.json", ConfigFile.Text(ConfigFile.Dense, (key, json))), words);

    [Fact]
    public void Open_experts_of_two_types_are_refused()
    {
        const string Expert = "model.layers.1.mlp.experts.3.up_proj.weight";
        using SafetensorsFile file = SafetensorsFile.Open(TestData.Path($"hf/{ConfigFile.Moe}/{Single}"));
        SafetensorsTensor tensor = file.Tensors[Expert];
        long begin = tensor.Offset - file.Tensors.Values.Min(t => t.Offset);
        long middle = begin + (tensor.Length / 2);
        long end = begin + tensor.Length;
        string halved = SafetensorsBytes.Entry(Expert, "F16", "48,64", begin, middle);
        string rest = SafetensorsBytes.Entry("rest", "U8", $"{end - middle}", middle, end);
        AssertRefused(
            ConfigFile.Moe,
            f => ReplaceInHeader(f, Single, SafetensorsBytes.Entry(Expert, "F32", "48,64", begin, end), $"{halved},{rest}"),
            Single, Expert, "f16", "f32");
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/model.safetensors")]
    [InlineData("..")]
    [InlineData("C:model.safetensors")]
    [InlineData("..\\\\secret.safetensors")]
    [InlineData("config.json")]
    [InlineData("a\\u0000.safetensors")]
    [InlineData("")]
    public void Open_index_that_points_outside_the_folder_is_refused(string shard) =>
        AssertRefused(Sharded, f => Replace(f, Index, Last, shard), Index, "lm_head.weight", "plain name");

    [Fact]
    public void Open_missing_shard_is_named() => AssertRefused(Sharded, f => File.Delete(f.File(Last)), Index, Last, "lm_head.weight");

    [Fact]
    public void Open_truncated_shard_is_named() =>
        AssertRefused(Sharded, f => f.Write(Last, File.ReadAllBytes(f.File(Last))[..5000]), Last, "lm_head.weight");

    [Fact]
    public void Open_index_that_puts_a_tensor_into_the_wrong_shard_is_refused() => AssertRefused(
        Sharded, f => Replace(f, Index, "\"lm_head.weight\": \"model-00008", "\"lm_head.weight\": \"model-00001"),
        Index, "lm_head.weight", "model-00001-of-00008.safetensors");

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("{}", "weight_map")]
    [InlineData("{\"weight_map\":[]}", "weight_map")]
    [InlineData("{\"weight_map\":{\"a\":1}}", "tensor a")]
    [InlineData("{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}", "a")]
    [InlineData("{\"weight_map\":{}}", "model.embed_tokens.weight")]
    public void Open_malformed_index_is_a_sentence(string text, string word) =>
        AssertRefused(Sharded, f => f.Write(Index, text), Index, word);

    [Fact]
    public void Open_tensors_that_nothing_uses_are_a_warning_unless_harmless()
    {
        using TempFolder folder = TempFolder.CopyOf(ConfigFile.Dense);
        string more = string.Join(",", ((string[])["lm_head.weight", "model.layers.0.self_attn.rotary_emb.inv_freq", "visual.patch"])
            .Select(n => SafetensorsBytes.Entry(n, "F32", "0", 0, 0)));
        ReplaceInHeader(folder, Single, "\"model.norm.weight\"", more + ",\"model.norm.weight\"");
        using HuggingFaceFolder model = HuggingFaceFolder.Open(folder.Path);
        string warning = Assert.Single(model.Warnings);
        Assert.Contains("visual.patch", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("lm_head", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_biases_are_constants_where_the_config_has_them()
    {
        using TempFolder folder = TempFolder.CopyOf(ConfigFile.Dense);
        folder.Write("config.json", ConfigFile.Text(ConfigFile.Dense, ("attention_bias", "true"), ("num_hidden_layers", "1")));
        byte[] bytes = File.ReadAllBytes(folder.File(Single));
        (string header, int dataStart) = SafetensorsBytes.Split(bytes);
        int at = bytes.Length - dataStart;
        string biases = "";
        foreach ((string name, int size) in ((string, int)[])[("q", 128), ("k", 64), ("v", 64), ("o", 64)])
        {
            biases += "," + SafetensorsBytes.Entry($"model.layers.0.self_attn.{name}_proj.bias", "F32", $"{size}", at, at + (4 * size));
            at += 4 * size;
        }

        bytes = SafetensorsBytes.WithHeader(bytes, header.TrimEnd()[..^1] + biases + "}");
        folder.Write(Single, [.. bytes, .. new byte[320 * 4]]);
        using HuggingFaceFolder model = HuggingFaceFolder.Open(folder.Path);
        Assert.Equal([128], model.Get("model.layers.0.self_attn.q_proj.bias").Shape);
        Assert.Equal([64], model.Get("model.layers.0.self_attn.o_proj.bias").Shape);
    }

    [Fact]
    public void Open_folder_of_links_is_followed_and_shares_identities()
    {
        using TempFolder folder = new();
        string original = TestData.Path($"hf/{Sharded}");
        foreach (string file in Directory.EnumerateFiles(original))
        {
            File.CreateSymbolicLink(folder.File(Path.GetFileName(file)), file);
        }

        using HuggingFaceFolder linked = HuggingFaceFolder.Open(folder.Path);
        using HuggingFaceFolder direct = HuggingFaceFolder.Open(original);
        Assert.Equal(direct.Get(Qwen3Tensors.LmHead).Identity, linked.Get(Qwen3Tensors.LmHead).Identity);
    }

    [Fact]
    public void Get_unknown_name_or_after_dispose_is_refused()
    {
        HuggingFaceFolder model = HuggingFaceFolder.Open(TestData.Path($"hf/{ConfigFile.Dense}"));
        Assert.Throws<ArgumentException>(() => model.Get("lm_head.weight"));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Get("model.norm.weight"));
    }
}
