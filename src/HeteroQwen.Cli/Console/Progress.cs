namespace HeteroQwen.Cli;

/// <summary>A line on a terminal's standard error that says what takes its time; it comes after half a second and goes when done.</summary>
internal sealed class Progress : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly Timer? _timer;
    private string _text;
    private bool _shown;
    private bool _done;

    public Progress(Terminal terminal, string text)
    {
        _text = text;
        _timer = terminal.ShowsProgress ? new Timer(_ => Show(), null, s_patience, Timeout.InfiniteTimeSpan) : null;
    }

    /// <summary>Says something else from now on.</summary>
    public void Report(string text)
    {
        lock (_lock)
        {
            _text = text;
            if (_shown)
            {
                Write();
            }
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        lock (_lock)
        {
            _done = true;
            if (_shown)
            {
                Console.Error.Write("\r\u001b[K");
            }
        }
    }

    private void Show()
    {
        lock (_lock)
        {
            if (!_done)
            {
                _shown = true;
                Write();
            }
        }
    }

    private void Write() => Console.Error.Write($"\r\u001b[K\u001b[2m{VisibleText.OneLine(_text)} ...\u001b[0m");
}
