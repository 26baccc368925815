using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A model's chat template. Only Qwen3's is rendered, by a renderer of its own; any other is recognised as unknown and
/// refused, so that no prompt is laid out in a way that the model was not trained on.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>SHA-256 of the template's UTF-8 with line ends as \n and no white space around it.</summary>
    private const string Qwen3Hash = "87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5";

    private const long MaxFileBytes = 16L << 20;

    private const string Cure = "use --raw with a prompt that is laid out as the model expects";

    private ChatTemplate(string? warning, string? text) => (Warning, Text) = (warning, text);

    /// <summary>Qwen3's template, for who has no files: what it renders is known without its text.</summary>
    public static ChatTemplate Qwen3 { get; } = new(warning: null, text: null);

    public bool IsKnownTemplate => Warning is null;

    /// <summary>Why this template cannot be rendered, as one sentence that names the file; null if it can.</summary>
    public string? Warning { get; }

    /// <summary>The template as it was read, known or not; null where there is none, or several.</summary>
    public string? Text { get; }

    /// <summary>
    /// Reads the template of a model's folder: <c>chat_template.jinja</c> if there is one, else <c>chat_template</c> of
    /// <c>tokenizer_config.json</c>.
    /// </summary>
    /// <exception cref="UserErrorException">A file cannot be read or is damaged; an unknown template is no error until used.</exception>
    public static ChatTemplate Load(string folder)
    {
        var jinja = Path.Combine(folder, "chat_template.jinja");
        var config = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(jinja))
            return FromText(Encoding.UTF8.GetString(InputFile.ReadAll(jinja, MaxFileBytes)), jinja);
        return File.Exists(config) ? JsonFile.Read(config, MaxFileBytes, root => FromConfig(root, config)) : FromText(null, folder);
    }

    /// <summary>A template by its text, null for none; <paramref name="source"/> names where it came from.</summary>
    public static ChatTemplate FromText(string? template, string source)
    {
        if (string.IsNullOrWhiteSpace(template))
            return new ChatTemplate($"There is no chat template in {source}; {Cure}.", text: null);
        var text = template.Replace("\r\n", "\n").Trim();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return new ChatTemplate(
            hash == Qwen3Hash ? null : $"The chat template in {source} is not Qwen3's and is not rendered; {Cure}.", template);
    }

    /// <exception cref="UserErrorException">The template is unknown.</exception>
    public RenderedChat Render(ChatRequest request)
    {
        if (Warning is not null)
            throw new UserErrorException(Warning);
        return Qwen3Renderer.Render(request);
    }

    private static ChatTemplate FromConfig(JsonElement root, string path)
    {
        if (!root.TryGetProperty("chat_template", out var template) || template.ValueKind == JsonValueKind.Null)
            return FromText(null, path);
        if (template.ValueKind == JsonValueKind.String)
            return FromText(template.GetString(), path);
        // A list of named templates is unknown whatever they are: which one counts depends on the request.
        return new ChatTemplate($"The chat template in {path} is not one text and is not rendered; {Cure}.", text: null);
    }
}
