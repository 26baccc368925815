namespace HeteroQwen.Models;

public enum ChatRole
{
    System,
    User,
    Assistant,
    Tool,
}

/// <summary>One turn of a conversation.</summary>
public sealed record ChatMessage(ChatRole Role, string Content)
{
    /// <summary>An assistant's thinking; null where it may stand in <see cref="Content"/> before <c>&lt;/think&gt;</c>.</summary>
    public string? ReasoningContent { get; init; }

    /// <summary>An assistant's calls of tools.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];
}

/// <summary>A call of a tool; the arguments are JSON text as the template writes it.</summary>
public sealed record ChatToolCall(string Name, string Arguments);
