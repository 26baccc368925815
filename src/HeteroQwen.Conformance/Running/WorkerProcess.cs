using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;

namespace HeteroQwen.Conformance;

/// <summary>How a worker is started.</summary>
public sealed record WorkerCommand(string File, ImmutableArray<string> Arguments);

/// <summary>How a question to a worker ended.</summary>
internal enum AskEnd
{
    Answered,
    Died,
    Silent,
}

/// <summary>The parent's side of a worker: a question goes out, one line comes back, or the process dies or stays silent.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private const int ErrorLines = 20;
    private const int SignalBase = 128;

    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly BlockingCollection<string> _answers = [];
    private readonly Queue<string> _errors = new();
    private readonly Thread _reader;

    public WorkerProcess(WorkerCommand command)
    {
        UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false);
        _process = Process.Start(new ProcessStartInfo(command.File, command.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
        })!;
        _process.ErrorDataReceived += (_, line) => KeepError(line.Data);
        _process.BeginErrorReadLine();
        _reader = new Thread(ReadAnswers) { IsBackground = true };
        _reader.Start();
    }

    /// <summary>Asks and waits. What a driver prints between the answers is passed over.</summary>
    /// <exception cref="OperationCanceledException">The caller was told to stop.</exception>
    public AskEnd Ask(string question, TimeSpan limit, CancellationToken cancellation, out string answer)
    {
        answer = "";
        try
        {
            _process.StandardInput.WriteLine(question);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            return AskEnd.Died;
        }

        if (_answers.TryTake(out string? line, (int)limit.TotalMilliseconds, cancellation))
        {
            answer = line;
            return AskEnd.Answered;
        }

        return _answers.IsCompleted ? AskEnd.Died : AskEnd.Silent;
    }

    /// <summary>Exit code or signal of a worker that died, and what it last said.</summary>
    public string Obituary()
    {
        if (!_process.WaitForExit(s_farewell))
        {
            return "the worker closed its output and did not end";
        }

        _process.WaitForExit();
        string end = _process.ExitCode > SignalBase && _process.ExitCode <= SignalBase + 64
            ? $"signal {_process.ExitCode - SignalBase}{SignalName(_process.ExitCode - SignalBase)}"
            : $"exit code {_process.ExitCode}";
        lock (_errors)
        {
            string? said = _errors.FirstOrDefault(l => l.Trim().Length > 0);
            return $"the worker ended with {end}{(said is null ? "" : $": {said.Trim()}")}";
        }
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It is gone already.
        }

        if (!_process.WaitForExit(TimeSpan.Zero) && !Ends())
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(s_farewell);
        }

        _reader.Join(s_farewell);
        _process.Dispose();
        _answers.Dispose();
    }

    /// <summary>Ends a worker that does not answer.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended meanwhile.
        }
    }

    private bool Ends() => _process.WaitForExit(s_farewell);

    private void ReadAnswers()
    {
        try
        {
            while (_process.StandardOutput.ReadLine() is { } line)
            {
                if (line is ['{' or '[', ..])
                {
                    _answers.Add(line);
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Nothing more will come.
        }

        _answers.CompleteAdding();
    }

    private void KeepError(string? line)
    {
        lock (_errors)
        {
            if (line is not null && _errors.Count < ErrorLines)
            {
                _errors.Enqueue(line);
            }
        }
    }

    private static string SignalName(int signal) => signal switch
    {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    };
}
