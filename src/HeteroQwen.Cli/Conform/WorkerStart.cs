using HeteroQwen.Conformance;

namespace HeteroQwen.Cli;

/// <summary>Starts this program again.</summary>
internal static class WorkerStart
{
    public static WorkerCommand Command(params string[] arguments)
    {
        string self = Environment.ProcessPath!;
        bool byHost = Path.GetFileNameWithoutExtension(self) == "dotnet";
        return new WorkerCommand(self, byHost ? [Environment.GetCommandLineArgs()[0], .. arguments] : [.. arguments]);
    }
}
