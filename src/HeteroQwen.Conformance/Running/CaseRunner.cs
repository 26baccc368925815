using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>
/// Runs cases in a worker process, so that a crash or a hang is a status and the run goes on. The device is never opened in this
/// process.
/// </summary>
/// <param name="command">How a worker is started.</param>
/// <param name="limit">Time that a case may take.</param>
public sealed class CaseRunner(WorkerCommand command, TimeSpan limit) : IDisposable
{
    /// <summary>So many workers that end one after another in as many cases will not become better.</summary>
    private const int MostDeathsInARow = 20;

    private static readonly TimeSpan s_surveyLimit = TimeSpan.FromSeconds(120);

    private WorkerProcess? _worker;

    /// <summary>Asks a worker what it is and what there is to run.</summary>
    /// <exception cref="UserErrorException">The worker ends or stays silent.</exception>
    public Survey Survey(CancellationToken cancellation) => new(
        Ask(Worker.DeviceCommand, WireReading.ReadDevice, cancellation),
        [.. Ask(Worker.LoweringsCommand, e => e.EnumerateArray().Select(WireReading.ReadLowering).ToArray(), cancellation)],
        [.. Cases(cancellation)]);

    /// <summary>Asks a worker what there is to run.</summary>
    /// <exception cref="UserErrorException">The worker ends or stays silent.</exception>
    public IReadOnlyList<CaseInfo> Cases(CancellationToken cancellation) =>
        Ask(Worker.CasesCommand, e => e.EnumerateArray().Select(WireReading.ReadCase).ToArray(), cancellation);

    /// <summary>Runs cases in order.</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="done">Told of each result as it comes.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <exception cref="OperationCanceledException">The caller was told to stop.</exception>
    public IReadOnlyList<CaseResult> Run(IEnumerable<CaseInfo> cases, Action<CaseResult> done, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(cases);
        ArgumentNullException.ThrowIfNull(done);
        List<CaseResult> results = [];
        int deaths = 0;
        foreach (CaseInfo info in cases)
        {
            CaseResult result = deaths < MostDeathsInARow
                ? Run(info.Id, cancellation)
                : new CaseResult(info.Id, CaseStatus.Crash, $"not run: {MostDeathsInARow} workers in a row ended");
            deaths = result.Status is CaseStatus.Crash or CaseStatus.Hang ? deaths + 1 : 0;
            results.Add(result);
            done(result);
        }

        return results;
    }

    public void Dispose() => _worker?.Dispose();

    private CaseResult Run(string id, CancellationToken cancellation)
    {
        WorkerProcess worker = _worker ??= new WorkerProcess(command);
        AskEnd end;
        string answer;
        try
        {
            end = worker.Ask(Worker.RunCommand + id, limit, cancellation, out answer);
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for a case to end when the user wants to go.
            worker.Kill();
            throw;
        }

        switch (end)
        {
            case AskEnd.Answered:
                return Parse(id, answer);
            case AskEnd.Died:
                string obituary = worker.Obituary();
                End();
                return new CaseResult(id, CaseStatus.Crash, obituary);
            default:
                worker.Kill();
                End();
                return new CaseResult(id, CaseStatus.Hang, $"no answer within {limit.TotalSeconds:0.#} s") { Seconds = limit.TotalSeconds };
        }
    }

    private CaseResult Parse(string id, string answer)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(answer);
            CaseResult result = WireReading.ReadResult(json.RootElement);
            if (result.Id == id)
            {
                return result;
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException or FormatException)
        {
            // Something else than the worker wrote there: its answers cannot be told apart any more.
        }

        _worker!.Kill();
        End();
        return new CaseResult(id, CaseStatus.Crash, "the worker's answer is no result of this case");
    }

    private T Ask<T>(string question, Func<JsonElement, T> read, CancellationToken cancellation)
    {
        WorkerProcess worker = _worker ??= new WorkerProcess(command);
        AskEnd end = worker.Ask(question, s_surveyLimit, cancellation, out string answer);
        if (end == AskEnd.Answered)
        {
            using JsonDocument json = JsonDocument.Parse(answer);
            return read(json.RootElement);
        }

        string reason = end == AskEnd.Died ? worker.Obituary() : $"no answer within {s_surveyLimit.TotalSeconds} s";
        worker.Kill();
        End();
        throw new UserErrorException($"the worker that opens the device failed when asked for its {question}: {reason}; "
            + "see whether the device works with `heteroqwen run`");
    }

    private void End()
    {
        _worker?.Dispose();
        _worker = null;
    }
}
