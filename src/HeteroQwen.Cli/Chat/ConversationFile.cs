using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>Writes a conversation as the JSON that <c>template</c>, <c>run --messages</c> and <c>/load</c> read.</summary>
internal static class ConversationFile
{
    /// <summary>Reads a file, also one called -, which is standard input elsewhere.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is no such JSON.</exception>
    public static ChatRequest Load(string path) => PromptReader.LoadRequest(path == "-" ? "./-" : path);

    /// <summary>Writes a file, in the place of an earlier conversation but of nothing else.</summary>
    /// <exception cref="UserErrorException">The file cannot be written, or there is one of another kind.</exception>
    public static void Save(string path, ChatRequest request)
    {
        MustNotBeOther(path);
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = Terminal.NewJsonWriter(bytes, indented: true))
        {
            Write(json, request);
        }

        bytes.WriteByte((byte)'\n');
        try
        {
            File.WriteAllBytes(path, bytes.ToArray());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException($"{path} cannot be written ({e.Message.TrimEnd('.')}); take another path", e);
        }
    }

    /// <summary>A mistyped name must not cost a file. An empty one has nothing to lose, and a device counts as empty.</summary>
    private static void MustNotBeOther(string path)
    {
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            return;
        }

        try
        {
            ChatRequest.Load(path);
        }
        catch (UserErrorException e)
        {
            throw new UserErrorException($"{path}: there is such a file already, and it holds no conversation; take another name", e);
        }
    }

    private static void Write(Utf8JsonWriter json, ChatRequest request)
    {
        json.WriteStartObject();
        json.WriteStartArray("messages");
        foreach (ChatMessage message in request.Messages)
        {
            Write(json, message);
        }

        json.WriteEndArray();
        if (request.Tools.Count > 0)
        {
            json.WriteStartArray("tools");
            foreach (string tool in request.Tools)
            {
                json.WriteRawValue(tool);
            }

            json.WriteEndArray();
        }

        json.WriteBoolean("enable_thinking", request.EnableThinking);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ChatMessage message)
    {
        json.WriteStartObject();
        json.WriteString("role", message.Role.ToString().ToLowerInvariant());
        if (message.ReasoningContent is { } thinking)
        {
            json.WriteString("reasoning_content", thinking);
        }

        json.WriteString("content", message.Content);
        if (message.ToolCalls.Count > 0)
        {
            json.WriteStartArray("tool_calls");
            foreach (ChatToolCall call in message.ToolCalls)
            {
                json.WriteStartObject();
                json.WriteStartObject("function");
                json.WriteString("name", call.Name);
                json.WriteString("arguments", call.Arguments);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
