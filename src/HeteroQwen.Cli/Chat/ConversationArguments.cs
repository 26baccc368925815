using System.CommandLine;
using HeteroQwen.Ir;

namespace HeteroQwen.Cli;

/// <summary>The options of <c>chat</c> that say how the conversation begins.</summary>
internal sealed class ConversationArguments
{
    private readonly Option<string?> _system = Arguments.Text("--system", "TEXT", "A system message before the first turn");
    private readonly Option<bool> _think = Arguments.Flag("--think", "Let the model think before it answers (the default)");
    private readonly Option<bool> _noThink = Arguments.Flag("--no-think", "Ask for answers at once");
    private readonly Option<string?> _messages = Arguments.Text(
        "--messages", "FILE", "Go on with a saved conversation, the JSON that `template` takes");

    public void AddTo(Command command)
    {
        foreach (Option option in (ReadOnlySpan<Option>)[_system, _think, _noThink, _messages])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="UserErrorException">The options contradict each other, or the file cannot be read.</exception>
    public Conversation Read(ParseResult parsed)
    {
        bool thinks = parsed.GetValue(_think);
        if (thinks && parsed.GetValue(_noThink))
        {
            throw new UserErrorException("chat: --think does not go with --no-think; leave one of them out");
        }

        Conversation conversation = new();
        if (parsed.GetValue(_messages) is { } path)
        {
            conversation.Load(ConversationFile.Load(path));
        }

        if (parsed.GetValue(_system) is { } system)
        {
            conversation.SetSystem(system);
        }

        conversation.Thinks = thinks || (conversation.Thinks && !parsed.GetValue(_noThink));
        return conversation;
    }
}
