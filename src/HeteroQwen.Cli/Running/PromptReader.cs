using System.CommandLine;
using System.Text;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>The options of <c>run</c> that make up its prompt, and the ids that come of them.</summary>
internal sealed class PromptReader
{
    private const string Input = "-";
    private const string StandardInput = "standard input";

    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Description = "What to ask; standard input where it is piped and nothing else is given",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _system = Arguments.Text("--system", "TEXT", "A system message before the prompt");
    private readonly Option<bool> _think = Arguments.Flag("--think", "Let the model think before it answers (the default)");
    private readonly Option<bool> _noThink = Arguments.Flag("--no-think", "Ask for the answer at once");
    private readonly Option<bool> _raw = Arguments.Flag(
        "--raw", "Take PROMPT as it stands, without chat template, control tokens recognised");
    private readonly Option<string?> _tokens = Arguments.Text("--tokens", "1,2,3", "The prompt as token ids");
    private readonly Option<string?> _messages = Arguments.Text(
        "--messages", "FILE", "The prompt as messages, the JSON that `template` takes; - is standard input");

    private readonly Option<string?> _prompts = Arguments.Text(
        "--prompts", "FILE", "A prompt per line, several answered at once, an object of JSON per line; - is standard input");

    public void AddTo(Command command)
    {
        command.Arguments.Add(_prompt);
        foreach (Option option in (ReadOnlySpan<Option>)[_system, _think, _noThink, _raw, _tokens, _messages, _prompts])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether there are several prompts, for <see cref="ReadAll"/>.</summary>
    public bool IsSeveral(ParseResult parsed) => parsed.GetValue(_prompts) is not null;

    /// <summary>The prompts of a file with their lines' numbers; empty lines are left out.</summary>
    /// <exception cref="UserErrorException">The options contradict each other, or the file cannot be read or has no prompts.</exception>
    public IReadOnlyList<NumberedPrompt> ReadAll(ParseResult parsed, ModelText model)
    {
        Check(parsed);
        string path = parsed.GetValue(_prompts)!;
        string text = path == Input ? Terminal.ReadInput() : Terminal.ReadFile(path);
        string name = path == Input ? StandardInput : path;
        List<NumberedPrompt> prompts = [];
        foreach ((int index, string line) in text.Split('\n').Index())
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                prompts.Add(new NumberedPrompt(name, index + 1, Encode(parsed, model, line.EndsWith('\r') ? line[..^1] : line)));
            }
        }

        return prompts.Count > 0 ? prompts : throw new UserErrorException($"{name}: there is no prompt; write one on each line");
    }

    /// <summary>Reads the prompt; its ids are made when they are asked for, of a model's tokenizer and template.</summary>
    /// <exception cref="UserErrorException">The options contradict each other, or the prompt cannot be read.</exception>
    public Func<ModelText, int[]> Read(ParseResult parsed)
    {
        Check(parsed);
        if (parsed.GetValue(_tokens) is { } list)
        {
            int[] ids = Arguments.Ids(list, "--tokens");
            return _ => ids;
        }

        if (parsed.GetValue(_messages) is { } path)
        {
            ChatRequest request = WithThinking(parsed, LoadRequest(path));
            return model => Render(model, request);
        }

        string prompt = parsed.GetValue(_prompt) ?? Terminal.ReadPiped() ?? throw new UserErrorException(
            "run: there is no prompt; give one, as in heteroqwen run \"What is 47 + 85?\", or --tokens, or --messages, or pipe a text in");
        return model => Encode(parsed, model, prompt);
    }

    /// <summary>Reads messages from a file or, for <c>-</c>, from standard input, and reports fields that mean nothing.</summary>
    public static ChatRequest LoadRequest(string path)
    {
        ChatRequest request = path == Input
            ? ChatRequest.Parse(Encoding.UTF8.GetBytes(Terminal.ReadInput()), StandardInput)
            : ChatRequest.Load(path);
        foreach (string field in request.IgnoredFields.Take(5))
        {
            Terminal.Note($"warning: {(path == Input ? StandardInput : path)}: the field \"{field}\" means nothing here and was ignored");
        }

        return request;
    }

    private int[] Encode(ParseResult parsed, ModelText model, string prompt)
    {
        if (parsed.GetValue(_raw))
        {
            return model.RequireTokenizer().Encode(prompt, allowSpecial: true);
        }

        List<ChatMessage> messages = [new(ChatRole.User, prompt)];
        if (parsed.GetValue(_system) is { } system)
        {
            messages.Insert(0, new(ChatRole.System, system));
        }

        return Render(model, WithThinking(parsed, new ChatRequest { Messages = messages }));
    }

    /// <summary>The tokenizer comes first: without one, no template would help.</summary>
    private static int[] Render(ModelText model, ChatRequest request)
    {
        QwenTokenizer tokenizer = model.RequireTokenizer();
        return model.Template.Render(request).Encode(tokenizer);
    }

    private void Check(ParseResult parsed)
    {
        (string Name, bool Given)[] sources =
        [
            ("PROMPT", parsed.GetValue(_prompt) is not null), ("--tokens", parsed.GetValue(_tokens) is not null),
            ("--messages", parsed.GetValue(_messages) is not null), ("--prompts", parsed.GetValue(_prompts) is not null),
        ];
        string[] given = [.. sources.Where(s => s.Given).Select(s => s.Name)];
        if (given.Length > 1)
        {
            throw new UserErrorException($"run: {string.Join(" and ", given)} are two prompts; give one of them");
        }

        bool templated = given is not ["--tokens"] && !parsed.GetValue(_raw);
        Exclude(parsed.GetValue(_think) && parsed.GetValue(_noThink), "--think", "--no-think");
        Exclude(parsed.GetValue(_raw) && given is ["--tokens" or "--messages"], "--raw", given.FirstOrDefault("PROMPT"));
        string without = parsed.GetValue(_raw) ? "--raw" : "--tokens";
        Exclude(!templated && parsed.GetValue(_think), "--think", without);
        Exclude(!templated && parsed.GetValue(_noThink), "--no-think", without);
        bool system = parsed.GetValue(_system) is not null;
        Exclude(system && !templated, "--system", without);
        Exclude(system && given is ["--messages"], "--system", "--messages");
    }

    private static void Exclude(bool both, string one, string other)
    {
        if (both)
        {
            throw new UserErrorException($"run: {one} does not go with {other}; leave one of them out");
        }
    }

    private ChatRequest WithThinking(ParseResult parsed, ChatRequest request)
    {
        bool thinks = parsed.GetValue(_think) || (request.EnableThinking && !parsed.GetValue(_noThink));
        return thinks == request.EnableThinking ? request : new ChatRequest
        {
            Messages = request.Messages,
            Tools = request.Tools,
            EnableThinking = thinks,
            AddGenerationPrompt = request.AddGenerationPrompt,
        };
    }
}

/// <summary>A prompt of a file.</summary>
/// <param name="File">For messages.</param>
/// <param name="Line">Counted from 1.</param>
/// <param name="Ids">Its tokens.</param>
internal sealed record NumberedPrompt(string File, int Line, int[] Ids);
