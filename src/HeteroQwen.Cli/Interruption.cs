using System.Runtime.InteropServices;

namespace HeteroQwen.Cli;

/// <summary>
/// Ctrl-C and SIGTERM ask the command to end where it can do so cleanly. One that cannot within a short while, and any second
/// signal, ends at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Timer? _limit;

    public Interruption()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _limit?.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_source.IsCancellationRequested)
        {
            Environment.Exit(ExitCodes.Interrupted);
        }

        _limit = new Timer(_ => Environment.Exit(ExitCodes.Interrupted), null, s_grace, Timeout.InfiniteTimeSpan);
        _source.Cancel();
    }
}
