using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>What was said in a chat, and how it goes on.</summary>
internal sealed class Conversation
{
    private readonly List<ChatMessage> _messages = [];
    private IReadOnlyList<string> _tools = [];

    public bool Thinks { get; set; } = true;

    public int Turns => _messages.Count(m => m.Role == ChatRole.User);

    /// <summary>Sets the system message, or with an empty text removes it.</summary>
    public void SetSystem(string text)
    {
        if (_messages is [{ Role: ChatRole.System }, ..])
        {
            _messages.RemoveAt(0);
        }

        if (text.Length > 0)
        {
            _messages.Insert(0, new ChatMessage(ChatRole.System, text));
        }
    }

    /// <summary>Forgets all but the system message.</summary>
    public void Reset()
    {
        int keep = _messages is [{ Role: ChatRole.System }, ..] ? 1 : 0;
        _messages.RemoveRange(keep, _messages.Count - keep);
        _tools = [];
    }

    /// <summary>The messages up to a further one of the user's.</summary>
    public ChatRequest Asking(string text) => Request([.. _messages, new(ChatRole.User, text)]);

    /// <summary>The messages up to the user's last one, which gets another text.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public ChatRequest Editing(string text) => Request([.. _messages.Take(LastOfUser("edit")), new(ChatRole.User, text)]);

    /// <summary>The messages up to the user's last one.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public ChatRequest Retrying() => Request([.. _messages.Take(LastOfUser("answer again") + 1)]);

    /// <summary>Takes over what was asked and, unless nothing came, the answer.</summary>
    public void Add(ChatRequest asked, string answer)
    {
        _messages.Clear();
        _messages.AddRange(asked.Messages);
        if (answer.Length > 0)
        {
            _messages.Add(Parse(answer));
        }
    }

    public void Load(ChatRequest request)
    {
        _messages.Clear();
        _messages.AddRange(request.Messages);
        (_tools, Thinks) = (request.Tools, request.EnableThinking);
    }

    /// <summary>What a file of it holds.</summary>
    /// <exception cref="UserErrorException">Nothing was said yet.</exception>
    public ChatRequest ToSave() => _messages.Count > 0
        ? Request([.. _messages])
        : throw new UserErrorException("there is nothing to save yet; ask something first");

    /// <summary>Parts the thinking from the answer. One that was cut short is closed, so that it is dropped like any other.</summary>
    private static ChatMessage Parse(string answer)
    {
        const string Begin = "<think>", End = "</think>";
        if (!answer.StartsWith(Begin, StringComparison.Ordinal))
        {
            return new ChatMessage(ChatRole.Assistant, answer);
        }

        int end = answer.IndexOf(End, StringComparison.Ordinal);
        string thinking = end < 0 ? answer[Begin.Length..] : answer[Begin.Length..end];
        string rest = end < 0 ? "" : answer[(end + End.Length)..];
        return new ChatMessage(ChatRole.Assistant, rest.TrimStart('\n')) { ReasoningContent = thinking.Trim('\n') };
    }

    private int LastOfUser(string what) => _messages.FindLastIndex(m => m.Role == ChatRole.User) is >= 0 and int last
        ? last
        : throw new UserErrorException($"there is nothing to {what} yet; ask something first");

    private ChatRequest Request(IReadOnlyList<ChatMessage> messages) =>
        new() { Messages = messages, Tools = _tools, EnableThinking = Thinks };
}
