using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>What a chat template renders: <c>{"messages","tools","enable_thinking","add_generation_prompt"}</c>.</summary>
public sealed class ChatRequest
{
    private const int MostBytes = 16 << 20;

    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Each tool's schema as the template writes it; empty for none.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>False puts an empty thought before the answer, so that the model answers at once.</summary>
    public bool EnableThinking { get; init; } = true;

    /// <summary>True, the default, ends the prompt where the assistant's answer begins.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Fields of the file that mean nothing here, for a caller to report: one may be a misspelling.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    /// <exception cref="UserErrorException">The file cannot be read, or is no such request.</exception>
    public static ChatRequest Load(string path)
    {
        try
        {
            // Whatever its length claims: it may be a pipe, or a device without end.
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            using MemoryStream bytes = new();
            byte[] buffer = new byte[1 << 16];
            for (int count; (count = file.Read(buffer)) > 0;)
            {
                if (bytes.Length + count > MostBytes)
                {
                    throw new UserErrorException(
                        $"The messages in {path} are longer than {MostBytes} bytes, which no context holds; check that this is the right file.");
                }

                bytes.Write(buffer, 0, count);
            }

            return Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException($"The messages in {path} cannot be read ({Shown.Text(e.Message.TrimEnd('.'))}); check the path.", e);
        }
    }

    /// <summary>Parses a request; <paramref name="name"/> stands for it in messages.</summary>
    public static ChatRequest Parse(ReadOnlyMemory<byte> json, string name) => new ChatRequestReader(name).Read(json);
}
