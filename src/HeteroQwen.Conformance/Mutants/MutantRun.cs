using System.Collections.Concurrent;
using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>
/// Tries the suite on backends that are known to be wrong. A mutant runs its cases in a worker of its own until one of them fails, or
/// the worker crashes or hangs. A case that fails on the unmodified backend too kills nothing.
/// </summary>
/// <param name="worker">Starts a worker on a mutant, or with null on the unmodified backend.</param>
/// <param name="limit">Time that a case may take.</param>
public sealed class MutantRun(Func<MutantInfo?, WorkerCommand> worker, TimeSpan limit)
{
    /// <summary>As the mutants' assembly knows it: the folder in which a mutant makes a file of its name when its fault takes
    /// effect.</summary>
    private const string FiredVariable = "HETEROQWEN_FIRED";

    /// <summary>In place of a case: the worker did not come so far.</summary>
    private const string OpeningTheDevice = "opening the device";

    private const int MostWorkers = 4;

    /// <summary>Runs all mutants.</summary>
    /// <param name="mutants">The mutants.</param>
    /// <param name="done">Told of each as it is done, one at a time and in no fixed order.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <exception cref="OperationCanceledException">The caller was told to stop.</exception>
    public ImmutableArray<MutantOutcome> Run(
        ImmutableArray<MutantInfo> mutants, Action<MutantOutcome> done, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(done);
        string folder = Directory.CreateTempSubdirectory("heteroqwen-mutants-").FullName;
        try
        {
            Environment.SetEnvironmentVariable(FiredVariable, folder);
            string?[] killers = new string?[mutants.Length];
            Work(mutants.Length, i =>
            {
                killers[i] = Killer(mutants[i], folder, cancellation);
                lock (killers)
                {
                    done(Outcome(mutants[i], killers[i], Fired(mutants[i], folder)));
                }
            });
            HashSet<string> alarms = FalseAlarms([.. killers.OfType<string>().Distinct()], cancellation);
            return [.. mutants.Select((m, i) => Outcome(m, killers[i] is { } id && !alarms.Contains(id) ? id : null, Fired(m, folder)))];
        }
        finally
        {
            Environment.SetEnvironmentVariable(FiredVariable, null);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static MutantOutcome Outcome(MutantInfo mutant, string? killer, bool fired) =>
        new(mutant.Name, mutant.Category, mutant.Description, fired, killer);

    private static bool Fired(MutantInfo mutant, string folder) => File.Exists(Path.Combine(folder, mutant.Name));

    /// <summary>The first case that finds the fault; null if none does. A case that fails before the fault took effect found something
    /// else.</summary>
    private string? Killer(MutantInfo mutant, string folder, CancellationToken cancellation)
    {
        using CaseRunner runner = new(worker(mutant), limit);
        IReadOnlyList<CaseInfo> cases;
        try
        {
            cases = runner.Cases(cancellation);
        }
        catch (UserErrorException)
        {
            return Fired(mutant, folder) ? OpeningTheDevice : null;
        }

        foreach (CaseInfo info in cases.Where(mutant.IsTriedOn))
        {
            cancellation.ThrowIfCancellationRequested();
            if (IsKill(runner.Run([info], _ => { }, cancellation)[0]) && Fired(mutant, folder))
            {
                return info.Id;
            }
        }

        return null;
    }

    /// <summary>Cases that fail on the unmodified backend.</summary>
    private HashSet<string> FalseAlarms(string[] ids, CancellationToken cancellation)
    {
        using CaseRunner runner = new(worker(null), limit);
        HashSet<string> wanted = [.. ids];
        CaseInfo[] cases = [.. runner.Cases(cancellation).Where(c => wanted.Contains(c.Id))];
        return [.. runner.Run(cases, _ => { }, cancellation).Where(IsKill).Select(r => r.Id)];
    }

    private static bool IsKill(CaseResult result) => result.Status is CaseStatus.Fail or CaseStatus.Crash or CaseStatus.Hang;

    /// <summary>Mutants wait for their workers' answers, so that a thread each is enough.</summary>
    private static void Work(int count, Action<int> work)
    {
        int next = -1;
        ConcurrentQueue<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, 1, MostWorkers)).Select(_ => new Thread(() =>
        {
            try
            {
                for (int i = Interlocked.Increment(ref next); i < count && failures.IsEmpty; i = Interlocked.Increment(ref next))
                {
                    work(i);
                }
            }
            catch (Exception e)
            {
                // Told to the caller below; on a bare thread it would end the process.
                failures.Enqueue(e);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        if (failures.TryDequeue(out Exception? failure))
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
