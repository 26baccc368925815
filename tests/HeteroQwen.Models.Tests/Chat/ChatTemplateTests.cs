using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

public sealed class ChatTemplateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("heteroqwen-").FullName;

    private static string KnownText
        => TokenizerData.ReadJson(Path.Combine(BundledModels.PathOf("tiny"), "tokenizer_config.json")).Text("chat_template");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_the_known_template_is_known_with_either_line_end_and_from_either_file()
    {
        Assert.True(ChatTemplate.Load(BundledModels.PathOf("tiny")).IsKnownTemplate);
        Write("tokenizer_config.json", "{}");
        Write("chat_template.jinja", KnownText.Replace("\n", "\r\n") + "\n");
        Assert.True(ChatTemplate.Load(_folder).IsKnownTemplate);
    }

    [Fact]
    public void Render_another_template_is_refused_and_names_raw()
    {
        var template = ChatTemplate.FromText(KnownText.Replace("/think", "/thought"), "model/x.json");
        Assert.False(template.IsKnownTemplate);
        AssertUnusable(template, "model/x.json");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"chat_template":null}""")]
    [InlineData("""{"chat_template":""}""")]
    [InlineData("""{"chat_template":[{"name":"default","template":"x"}]}""")]
    [InlineData("""{"chat_template":5}""")]
    public void Load_a_config_without_the_known_template_is_reported(string config)
    {
        Write("tokenizer_config.json", config);
        AssertUnusable(ChatTemplate.Load(_folder), _folder);
    }

    [Fact]
    public void Load_a_folder_without_files_is_reported() => AssertUnusable(ChatTemplate.Load(_folder), _folder);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"chat_template\":")]
    [InlineData("{\"chat_template\":\"\\ud800\"}")]
    public void Load_a_damaged_config_is_refused(string config)
    {
        Write("tokenizer_config.json", config);
        Assert.Contains(_folder, Assert.Throws<UserErrorException>(() => ChatTemplate.Load(_folder)).Message);
    }

    [Fact]
    public void PathOf_an_unknown_model_names_those_there_are()
        => Assert.Contains("tiny and tiny-moe", Assert.Throws<UserErrorException>(() => BundledModels.PathOf("huge")).Message);

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);

    private static void AssertUnusable(ChatTemplate template, string source)
    {
        Assert.False(template.IsKnownTemplate);
        Assert.Contains(source, template.Warning);
        var request = new ChatRequest { Messages = [new ChatMessage(ChatRole.User, "x")] };
        var error = Assert.Throws<UserErrorException>(() => template.Render(request));
        Assert.Contains("--raw", error.Message);
        Assert.Contains(source, error.Message);
    }
}
