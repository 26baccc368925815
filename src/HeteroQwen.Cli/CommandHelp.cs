using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace HeteroQwen.Cli;

/// <summary>The parser's help with examples beneath it.</summary>
internal sealed class CommandHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _usual = new();

    /// <summary>Of each command, lines that can be run as they stand.</summary>
    public Dictionary<Command, string[]> Examples { get; } = [];

    /// <summary>So that <c>--help</c> wins over whatever else is wrong on the line.</summary>
    public override bool ClearsParseErrors => true;

    public void Install(RootCommand root) => root.Options.OfType<HelpOption>().Single().Action = this;

    public override int Invoke(ParseResult parseResult)
    {
        int code = _usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in Examples[parseResult.CommandResult.Command])
        {
            output.WriteLine($"  {example}");
        }

        output.WriteLine();
        return code;
    }
}
