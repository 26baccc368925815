namespace HeteroQwen.Cli;

/// <summary>How a command ended.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int CheckFailed = 1;

    /// <summary>Usage or bad input; one sentence on standard error.</summary>
    public const int BadInput = 2;

    public const int NoSuchDevice = 3;

    /// <summary>Ctrl-C: 128 + SIGINT, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>The reader of standard output went away: 128 + SIGPIPE, as of a program that the signal ends.</summary>
    public const int ReaderGone = 141;
}
