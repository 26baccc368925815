using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Reads a <see cref="ChatRequest"/> from JSON that may be anything.</summary>
internal sealed class ChatRequestReader(string name)
{
    private const string Example = """write {"messages": [{"role": "user", "content": "..."}]}""";

    private static readonly string[] s_fields = ["messages", "tools", "enable_thinking", "add_generation_prompt"];

    public ChatRequest Read(ReadOnlyMemory<byte> json)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        if (json.Span.StartsWith(byteOrderMark))
            json = json[byteOrderMark.Length..];
        try
        {
            using var document = JsonDocument.Parse(json);
            return ReadRequest(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UserErrorException($"The messages in {name} are no valid JSON ({JsonFile.Why(e)}); correct the file.", e);
        }
    }

    private ChatRequest ReadRequest(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("messages", out var messages))
            throw Refuse("there is no object with \"messages\"", Example);
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw Refuse("\"messages\" is no array with at least one message", Example);
        return new ChatRequest
        {
            Messages = [.. messages.EnumerateArray().Select((message, i) => ReadMessage(message, $"messages[{i}]"))],
            Tools = ReadTools(root),
            EnableThinking = ReadFlag(root, "enable_thinking"),
            AddGenerationPrompt = ReadFlag(root, "add_generation_prompt"),
            IgnoredFields = [.. root.EnumerateObject().Select(field => field.Name).Where(field => !s_fields.Contains(field)).Distinct()],
        };
    }

    private ChatMessage ReadMessage(JsonElement message, string where)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw Refuse($"{where} is no object", "give it a \"role\" and a \"content\"");
        var role = ReadRole(message, where);
        if (role != ChatRole.Assistant)
            return new ChatMessage(role, ReadText(message, "content", where));
        var calls = ReadToolCalls(message, where);
        // OpenAI's form of a message that only calls tools has no content, or null.
        var content = calls.Count > 0 && IsAbsent(message, "content") ? "" : ReadText(message, "content", where);
        return new ChatMessage(role, content)
        {
            ReasoningContent = IsAbsent(message, "reasoning_content") ? null : ReadText(message, "reasoning_content", where),
            ToolCalls = calls,
        };
    }

    private ChatRole ReadRole(JsonElement message, string where) => ReadText(message, "role", where) switch
    {
        "system" => ChatRole.System,
        "user" => ChatRole.User,
        "assistant" => ChatRole.Assistant,
        "tool" => ChatRole.Tool,
        var role => throw Refuse($"{where} has the unknown role '{Shown.Text(role)}'", "use system, user, assistant or tool"),
    };

    private List<ChatToolCall> ReadToolCalls(JsonElement message, string where)
    {
        var calls = new List<ChatToolCall>();
        if (IsAbsent(message, "tool_calls"))
            return calls;
        var array = message.GetProperty("tool_calls");
        if (array.ValueKind != JsonValueKind.Array)
            throw Refuse($"{where}.tool_calls is no array", "write [{\"function\": {\"name\": \"...\", \"arguments\": {...}}}]");
        foreach (var entry in array.EnumerateArray())
            calls.Add(ReadToolCall(entry, $"{where}.tool_calls[{calls.Count}]"));
        return calls;
    }

    private ChatToolCall ReadToolCall(JsonElement call, string where)
    {
        if (call.ValueKind == JsonValueKind.Object && call.TryGetProperty("function", out var function)
            && function.ValueKind == JsonValueKind.Object && function.EnumerateObject().Any())
            call = function;
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("arguments", out var arguments))
            throw Refuse($"{where} has no arguments", "write {\"function\": {\"name\": \"...\", \"arguments\": {...}}}");
        var text = arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : PythonJson.Write(arguments);
        return new ChatToolCall(ReadText(call, "name", where), text);
    }

    private List<string> ReadTools(JsonElement root)
    {
        var tools = new List<string>();
        if (IsAbsent(root, "tools"))
            return tools;
        var array = root.GetProperty("tools");
        if (array.ValueKind != JsonValueKind.Array)
            throw Refuse("\"tools\" is no array", "give a list of objects, each the schema of a tool");
        foreach (var tool in array.EnumerateArray())
        {
            if (tool.ValueKind != JsonValueKind.Object)
                throw Refuse($"tools[{tools.Count}] is no object", "give each tool's schema as an object");
            tools.Add(PythonJson.Write(tool));
        }
        return tools;
    }

    private bool ReadFlag(JsonElement root, string field)
    {
        if (IsAbsent(root, field))
            return true;
        return root.GetProperty(field).ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Refuse($"\"{field}\" is neither true nor false", "write true or false without quotes"),
        };
    }

    private string ReadText(JsonElement owner, string field, string where)
    {
        if (!owner.TryGetProperty(field, out var value) || value.ValueKind != JsonValueKind.String)
            throw Refuse($"{where}.{field} is no string", "give it as one string");
        return value.GetString()!;
    }

    private static bool IsAbsent(JsonElement owner, string field)
        => !owner.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null;

    private UserErrorException Refuse(string what, string cure) => new($"In the messages of {name}, {what}; {cure}.");
}
