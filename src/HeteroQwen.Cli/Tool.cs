namespace HeteroQwen.Cli;

/// <summary>What every command works with.</summary>
/// <param name="Terminal">Where it reads and writes.</param>
/// <param name="Backends">What it computes on.</param>
/// <param name="Cancellation">Set by Ctrl-C and SIGTERM.</param>
internal sealed record Tool(Terminal Terminal, BackendRegistry Backends, CancellationToken Cancellation);
