namespace HeteroQwen.Cli;

/// <summary>What every command works with.</summary>
/// <param name="Terminal">Where it reads and writes.</param>
/// <param name="Backends">What it computes on.</param>
/// <param name="Interruption">Ctrl-C and SIGTERM.</param>
internal sealed record Tool(Terminal Terminal, BackendRegistry Backends, Interruption Interruption)
{
    /// <summary>Set when the command is to end.</summary>
    public CancellationToken Cancellation => Interruption.Token;
}
