namespace HeteroQwen.Models;

/// <summary>Qwen3's chat template, written out: each method is one part of the template's text, in its order.</summary>
internal static class Qwen3Renderer
{
    private const string ToolsBefore =
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        + "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";

    private const string ToolsAfter =
        "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
        + "within <tool_call></tool_call> XML tags:\n"
        + "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n";

    public static RenderedChat Render(ChatRequest request)
    {
        var writer = new ChatWriter();
        WriteSystem(writer, request);
        var lastQuery = LastQuery(request.Messages);
        for (var i = 0; i < request.Messages.Count; i++)
            WriteMessage(writer, request.Messages, i, lastQuery);
        if (request.AddGenerationPrompt)
        {
            writer.Template("<|im_start|>assistant\n");
            if (!request.EnableThinking)
                writer.Template("<think>\n\n</think>\n\n");
        }
        return writer.ToRendered();
    }

    private static void WriteSystem(ChatWriter writer, ChatRequest request)
    {
        var first = request.Messages[0];
        if (request.Tools.Count == 0)
        {
            if (first.Role == ChatRole.System)
                WriteTurn(writer, "system", first.Content);
            return;
        }
        writer.Template("<|im_start|>system\n");
        if (first.Role == ChatRole.System)
            writer.Content(first.Content).Template("\n\n");
        writer.Template(ToolsBefore);
        foreach (var tool in request.Tools)
            writer.Template("\n").Content(tool);
        writer.Template(ToolsAfter);
    }

    /// <summary>
    /// The last message that a user wrote, and not a tool's response in a user's place; the thinking of assistants after it is
    /// kept. Without one it is the last message.
    /// </summary>
    private static int LastQuery(IReadOnlyList<ChatMessage> messages)
    {
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            var content = messages[i].Content;
            var isResponse = content.StartsWith("<tool_response>", StringComparison.Ordinal)
                && content.EndsWith("</tool_response>", StringComparison.Ordinal);
            if (messages[i].Role == ChatRole.User && !isResponse)
                return i;
        }
        return messages.Count - 1;
    }

    private static void WriteMessage(ChatWriter writer, IReadOnlyList<ChatMessage> messages, int i, int lastQuery)
    {
        var message = messages[i];
        switch (message.Role)
        {
            case ChatRole.User:
                WriteTurn(writer, "user", message.Content);
                break;
            case ChatRole.System:
                if (i > 0)
                    WriteTurn(writer, "system", message.Content);
                break;
            case ChatRole.Assistant:
                WriteAssistant(writer, message, afterQuery: i > lastQuery, isLast: i == messages.Count - 1);
                break;
            case ChatRole.Tool:
                WriteToolResponse(writer, messages, i);
                break;
        }
    }

    private static void WriteTurn(ChatWriter writer, string role, string content)
        => writer.Template($"<|im_start|>{role}\n").Content(content).Template("<|im_end|>\n");

    private static void WriteAssistant(ChatWriter writer, ChatMessage message, bool afterQuery, bool isLast)
    {
        var (reasoning, content) = SplitThinking(message);
        writer.Template("<|im_start|>assistant\n");
        if (afterQuery && (isLast || reasoning.Length > 0))
            writer.Template("<think>\n").Content(reasoning.Trim('\n')).Template("\n</think>\n\n").Content(content.TrimStart('\n'));
        else
            writer.Content(content);
        for (var i = 0; i < message.ToolCalls.Count; i++)
        {
            if (i > 0 || content.Length > 0)
                writer.Template("\n");
            var call = message.ToolCalls[i];
            writer.Template("<tool_call>\n{\"name\": \"").Content(call.Name)
                .Template("\", \"arguments\": ").Content(call.Arguments).Template("}\n</tool_call>");
        }
        writer.Template("<|im_end|>\n");
    }

    private static (string Reasoning, string Content) SplitThinking(ChatMessage message)
    {
        const string Begin = "<think>", End = "</think>";
        var content = message.Content;
        if (message.ReasoningContent is { } given)
            return (given, content);
        var first = content.IndexOf(End, StringComparison.Ordinal);
        if (first < 0)
            return ("", content);
        var reasoning = content[..first].TrimEnd('\n');
        var begin = reasoning.LastIndexOf(Begin, StringComparison.Ordinal);
        if (begin >= 0)
            reasoning = reasoning[(begin + Begin.Length)..];
        var last = content.LastIndexOf(End, StringComparison.Ordinal);
        return (reasoning.TrimStart('\n'), content[(last + End.Length)..].TrimStart('\n'));
    }

    private static void WriteToolResponse(ChatWriter writer, IReadOnlyList<ChatMessage> messages, int i)
    {
        if (i == 0 || messages[i - 1].Role != ChatRole.Tool)
            writer.Template("<|im_start|>user");
        writer.Template("\n<tool_response>\n").Content(messages[i].Content).Template("\n</tool_response>");
        if (i == messages.Count - 1 || messages[i + 1].Role != ChatRole.Tool)
            writer.Template("<|im_end|>\n");
    }
}
