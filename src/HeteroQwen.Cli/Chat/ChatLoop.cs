using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>Reads turns and commands until the input ends.</summary>
internal sealed class ChatLoop
{
    private readonly Tool _tool;
    private readonly LineInput _input;
    private readonly Conversation _conversation;
    private readonly Func<ChatRequest, string> _answer;
    private readonly ChatCommandWord[] _words;
    private bool _leaves;
    private bool _refused;

    /// <param name="tool">Where is written.</param>
    /// <param name="input">Where is read.</param>
    /// <param name="conversation">What was said before.</param>
    /// <param name="answer">Prints the answer to a request and returns it.</param>
    public ChatLoop(Tool tool, LineInput input, Conversation conversation, Func<ChatRequest, string> answer)
    {
        (_tool, _input, _conversation, _answer) = (tool, input, conversation, answer);
        _words =
        [
            new("/think", null, "let the model think before it answers", _ => SetThinking(true)),
            new("/no_think", null, "ask for answers at once", _ => SetThinking(false)),
            new("/system", "TEXT", "set the system message; without TEXT, remove it", SetSystem) { MayBeAlone = true },
            new("/edit", "TEXT", "put TEXT in the place of your last turn and answer it", text => Answer(_conversation.Editing(text))),
            new("/retry", null, "answer your last turn again", _ => Answer(_conversation.Retrying())),
            new("/reset", null, "forget all turns", _ => Reset()),
            new("/save", "FILE", "save the conversation as JSON", Save),
            new("/load", "FILE", "go on with a saved conversation", Load),
            new("/help", null, "show this", _ => Help()),
            new("/exit", null, "leave; Ctrl-D does too", _ => _leaves = true),
        ];
    }

    /// <summary>The exit code: where the lines come from a file or a pipe, whether all of them were accepted.</summary>
    public int Run()
    {
        while (!_leaves)
        {
            try
            {
                if (_input.Read() is not { } text)
                {
                    break;
                }

                Take(text);
            }
            catch (UserErrorException e)
            {
                _refused = true;
                Terminal.Refuse(e.Message);
            }

            _tool.Cancellation.ThrowIfCancellationRequested();
        }

        return _refused && !_input.IsTerminal ? ExitCodes.BadInput : ExitCodes.Ok;
    }

    private void Take(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return;
        }

        if (text.StartsWith("//", StringComparison.Ordinal) || text[0] != '/')
        {
            Answer(_conversation.Asking(text[0] == '/' ? text[1..] : text));
            return;
        }

        string[] parts = text.Split((char[])[' ', '\t', '\n'], 2);
        string rest = parts.Length > 1 ? parts[1].Trim() : "";
        ChatCommandWord word = _words.FirstOrDefault(w => w.Name == parts[0]) ?? throw Unknown(parts[0]);
        if (word.Argument is null && rest.Length > 0)
        {
            throw new UserErrorException($"{word.Name} takes nothing behind it; write {word.Name} alone on its line");
        }

        if (word.Argument is not null && rest.Length == 0 && !word.MayBeAlone)
        {
            throw new UserErrorException($"{word.Name} takes {word.Argument} behind it; write {word.Name} {word.Argument}");
        }

        word.Run(rest);
    }

    private UserErrorException Unknown(string word)
    {
        string guess = Suggestion.For(word, _words.Select(w => w.Name));
        return new UserErrorException(
            $"'{Arguments.Shown(word)}': there is no such command; "
            + (guess.Length > 0 ? guess : "/help lists them, and a text that begins with / is written with two"));
    }

    private void Answer(ChatRequest asked) => _conversation.Add(asked, _answer(asked));

    private void SetThinking(bool thinks)
    {
        _conversation.Thinks = thinks;
        _tool.Terminal.Aside(thinks ? "[thinking is on]" : "[thinking is off]");
    }

    private void SetSystem(string text)
    {
        _conversation.SetSystem(text);
        _tool.Terminal.Aside(text.Length > 0 ? "[the system message is set]" : "[there is no system message]");
    }

    private void Reset()
    {
        _conversation.Reset();
        _tool.Terminal.Aside("[all turns are forgotten]");
    }

    private void Save(string path)
    {
        ConversationFile.Save(path, _conversation.ToSave());
        _tool.Terminal.Aside($"[saved {Turns()} in {path}]");
    }

    private void Load(string path)
    {
        _conversation.Load(ConversationFile.Load(path));
        _tool.Terminal.Aside($"[loaded {Turns()} from {path}; thinking is {(_conversation.Thinks ? "on" : "off")}]");
    }

    private string Turns() => _conversation.Turns == 1 ? "1 turn" : $"{_conversation.Turns} turns";

    private void Help()
    {
        foreach (ChatCommandWord word in _words)
        {
            _tool.Terminal.Aside($"  {word.Name + (word.Argument is null ? "" : " " + word.Argument),-14}  {word.Meaning}");
        }

        _tool.Terminal.Aside("A line that ends in \\ goes on with the next. A text that begins with / is written with two.");
        _tool.Terminal.Aside("Ctrl-C stops the answer; twice, or where nothing is under way, it leaves.");
    }
}

/// <summary>A word that commands a chat.</summary>
/// <param name="Name">With its /.</param>
/// <param name="Argument">What stands behind it, or null.</param>
/// <param name="Meaning">For the help.</param>
/// <param name="Run">Does it, given what stands behind it.</param>
internal sealed record ChatCommandWord(string Name, string? Argument, string Meaning, Action<string> Run)
{
    public bool MayBeAlone { get; init; }
}
