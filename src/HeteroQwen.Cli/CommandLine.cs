using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>
/// The whole program: parses the arguments, runs a command, and turns what goes wrong into one sentence and an exit code.
/// </summary>
internal static partial class CommandLine
{
    public static int Run(string[] args)
    {
        using Terminal terminal = new();
        using BackendRegistry backends = new();
        using Interruption interruption = new();
        try
        {
            int code = Run(new Tool(terminal, backends, interruption), args);
            terminal.Out.Flush();
            return code;
        }
        catch (Exception e) when (Explain(e) is { } ending)
        {
            try
            {
                terminal.Out.Flush();
            }
            catch (Exception again) when (again is IOException or ReaderGoneException)
            {
                // What could not be written before cannot be written now.
            }

            if (ending.Sentence is { } sentence)
            {
                Terminal.Refuse(sentence);
            }

            return ending.Code;
        }
    }

    private static int Run(Tool tool, string[] args)
    {
        CommandHelp help = new();
        RootCommand root = Build(tool, help);
        ParseResult parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Action is not (HelpAction or CommandHelp))
        {
            CheckWords(parsed);
        }

        InvocationConfiguration configuration = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = tool.Terminal.Out,
            Error = Console.Error,
        };
        return parsed.Invoke(configuration);
    }

    private static RootCommand Build(Tool tool, CommandHelp help)
    {
        RootCommand root = new(
            "One Qwen3 graph that runs on every chip with a backend. Without a command: a short tour of what this machine can do.");
        root.Directives.Clear();
        root.SetAction(_ => new TourCommand(tool).Run());
        help.Examples.Add(root, ["heteroqwen", "heteroqwen run \"What is 47 + 85?\""]);
        (Command Command, string[] Examples)[] commands =
        [
            DevicesCommand.Create(tool), RunCommand.Create(tool), ChatCommand.Create(tool), LogitsCommand.Create(tool),
            TokenizeCommand.Create(tool), DetokenizeCommand.Create(tool), TemplateCommand.Create(tool),
            InspectCommand.Create(tool), BenchCommand.Create(tool), ConformCommand.Create(tool), (ConformWorkerCommand.Create(tool), []),
            (ConformStatusCommand.Create(tool), []), BisectCommand.Create(tool), QuantizeCommand.Create(tool),
        ];
        foreach ((Command command, string[] examples) in commands)
        {
            root.Subcommands.Add(command);
            help.Examples.Add(command, examples);
        }

        help.Install(root);
        return root;
    }

    /// <summary>Refuses words that no command knows, with the nearest right one, and what the parser found wrong.</summary>
    private static void CheckWords(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string name = command is RootCommand ? "heteroqwen" : $"heteroqwen {command.Name}";
        string? wrong = parsed.Tokens.FirstOrDefault(t => t.Type == TokenType.Directive)?.Value
            ?? MistakenForArgument(parsed)
            ?? (parsed.UnmatchedTokens is [string unmatched, ..] ? unmatched : null);
        if (wrong is not null)
        {
            bool isOption = OptionLike().IsMatch(wrong);
            IEnumerable<string> candidates = isOption ? OptionNames(parsed.CommandResult) : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name);
            string kind = isOption ? "option" : command.Subcommands.Count > 0 ? "command" : "further argument";
            string guess = Suggestion.For(wrong.Split('=')[0], candidates);
            throw new UserErrorException(
                $"'{wrong}': {name} has no such {kind}; {(guess.Length > 0 ? guess : $"`{name} --help` lists what it has")}");
        }

        if (parsed.Errors.Count > 0)
        {
            throw new UserErrorException($"{parsed.Errors[0].Message.TrimEnd('.')}; `{name} --help` shows how it is written");
        }
    }

    /// <summary>A word that looks like an option but was taken for a prompt or a file, unless it follows <c>--</c>.</summary>
    private static string? MistakenForArgument(ParseResult parsed)
    {
        List<Token> free = [.. parsed.Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash)];
        return parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(a => a.Tokens)
            .FirstOrDefault(t => OptionLike().IsMatch(t.Value) && free.Any(f => ReferenceEquals(f, t)))?.Value;
    }

    private static IEnumerable<string> OptionNames(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            foreach (Option option in at is CommandResult command ? command.Command.Options : [])
            {
                foreach (string name in option.Aliases.Prepend(option.Name))
                {
                    yield return name;
                }
            }
        }
    }

    /// <summary>The sentence and the exit code for what a user can meet; null for a fault of this program.</summary>
    private static (int Code, string? Sentence)? Explain(Exception e) => e switch
    {
        NoSuchDeviceException => (ExitCodes.NoSuchDevice, e.Message),
        UserErrorException => (ExitCodes.BadInput, e.Message),
        BackendException { Code: StatusCode.Unavailable } => (ExitCodes.NoSuchDevice, e.Message),
        BackendException => (ExitCodes.BadInput, e.Message),
        ReaderGoneException => (ExitCodes.ReaderGone, null),
        OperationCanceledException => (ExitCodes.Interrupted, null),
        OutOfMemoryException => (
            ExitCodes.BadInput, "the memory of this machine does not suffice; take a smaller context (-c) or a smaller model"),
        OverflowException => (ExitCodes.BadInput, $"a size does not fit ({e.Message}); take a smaller context (-c) or a smaller model"),
        IOException or UnauthorizedAccessException => (
            ExitCodes.BadInput, $"{e.Message.TrimEnd('.')}; check the path, its permissions and the space left"),
        _ => null,
    };

    [GeneratedRegex("^--?[A-Za-z][-A-Za-z0-9]*(=.*)?$", RegexOptions.Singleline)]
    private static partial Regex OptionLike();
}
