using System.Runtime.InteropServices;

namespace HeteroQwen.Cli;

/// <summary>
/// Ctrl-C and SIGTERM ask the command to end where it can do so cleanly. One that cannot within a short while, and any second
/// signal, ends at once. A chat may take the first Ctrl-C of each answer for that answer alone.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private CancellationTokenSource? _answer;
    private bool _idle;
    private Timer? _limit;

    public Interruption()
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        }
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Runs what the first Ctrl-C is to stop without ending the command.</summary>
    public T Stoppable<T>(Func<CancellationToken, T> work)
    {
        using CancellationTokenSource answer = CancellationTokenSource.CreateLinkedTokenSource(_source.Token);
        return Within(() => _answer = answer, () => work(answer.Token), () => _answer = null);
    }

    /// <summary>Runs what waits for the user: any signal ends the program at once.</summary>
    public T Idle<T>(Func<T> wait) => Within(() => _idle = true, wait, () => _idle = false);

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _limit?.Dispose();
        _source.Dispose();
    }

    private T Within<T>(Action enter, Func<T> work, Action leave)
    {
        lock (_lock)
        {
            enter();
        }

        try
        {
            return work();
        }
        finally
        {
            lock (_lock)
            {
                leave();
            }
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_lock)
        {
            if (context.Signal == PosixSignal.SIGINT && _answer is { IsCancellationRequested: false })
            {
                _answer.Cancel();
                return;
            }

            if (!_idle && _answer is not { IsCancellationRequested: true } && !_source.IsCancellationRequested)
            {
                _limit = new Timer(_ => Environment.Exit(ExitCodes.Interrupted), null, s_grace, Timeout.InfiniteTimeSpan);
                _source.Cancel();
                return;
            }
        }

        // A second signal, or nothing is under way that could end cleanly. The shell's prompt is to begin a line of its own.
        if (!Console.IsErrorRedirected)
        {
            Console.Error.WriteLine();
        }

        Environment.Exit(ExitCodes.Interrupted);
    }
}
