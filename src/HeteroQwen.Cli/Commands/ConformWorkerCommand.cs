using System.CommandLine;
using HeteroQwen.Conformance;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary><c>conform-worker</c>, which no help lists: the process that opens the device for <c>conform</c>.</summary>
internal static class ConformWorkerCommand
{
    public const string Name = "conform-worker";

    public static Command Create(Tool tool)
    {
        ConformArguments arguments = new();
        Command command = new(Name) { Hidden = true };
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            (string backend, SuiteOptions options) = (arguments.Backend(parsed, tool), arguments.Suite(parsed));
            Device device = tool.Backends.Open(backend, threads: null);
            CaseContext context = new(tool.Backends.BackendOf(device), device, tool.Backends.HostFor(device, threads: null), options.Seed);
            Worker worker = new(context, options, Suite.Cases(options, context));

            // The answers have the pipe for themselves.
            using Stream answers = tool.Terminal.OpenRaw();
            Console.SetOut(Console.Error);
            worker.Serve(Console.In, answers);
            return ExitCodes.Ok;
        });
        return command;
    }
}
