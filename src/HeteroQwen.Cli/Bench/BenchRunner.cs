using System.Diagnostics;
using HeteroQwen.Generation;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli.Bench;

/// <summary>What a test took.</summary>
/// <param name="Nanoseconds">Of each repetition.</param>
/// <param name="Ops">Of each operation over all of them; empty unless the engine profiles.</param>
internal sealed record BenchTimes(IReadOnlyList<long> Nanoseconds, IReadOnlyList<OpTiming> Ops);

/// <summary>
/// Runs tests in one sequence of an engine. Its tokens are random, but the same in every run. The entries before a test are filled
/// in without being timed, and after each repetition the cache is rolled back to them.
/// </summary>
internal sealed class BenchRunner : IDisposable
{
    private const int Seed = 1;

    /// <summary>So that code is compiled in full and clocks are up before anything is timed.</summary>
    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(250);

    private readonly Engine _engine;
    private readonly CancellationToken _cancellation;
    private readonly Sequence _sequence;
    private readonly int[] _tokens;

    /// <param name="engine">The model on its device.</param>
    /// <param name="longest">The most tokens that a test and the entries before it have.</param>
    /// <param name="cancellation">Ends a test between two steps.</param>
    public BenchRunner(Engine engine, int longest, CancellationToken cancellation)
    {
        (_engine, _cancellation) = (engine, cancellation);
        Random random = new(Seed);
        _tokens = [.. Enumerable.Range(0, longest).Select(_ => random.Next(engine.Config.VocabSize))];
        _sequence = engine.NewSequence();
    }

    /// <exception cref="OperationCanceledException">The user ends it.</exception>
    public BenchTimes Run(BenchTest test, int repetitions, Action<int> onRepetition)
    {
        _sequence.Truncate(Math.Min(_sequence.Length, test.Depth));
        RunAll(BenchTest.Chunks(_sequence.Length, test.Depth - _sequence.Length, _engine.MaxTokens));
        BenchStep[] steps = [.. test.Steps(_engine.MaxTokens)];
        WarmUp(test, steps);
        IReadOnlyList<OpTiming> before = _engine.Timings;
        long[] times = new long[repetitions];
        for (int i = 0; i < repetitions; i++)
        {
            onRepetition(i + 1);
            long begin = Stopwatch.GetTimestamp();
            RunAll(steps);
            times[i] = Math.Max(1, (long)Stopwatch.GetElapsedTime(begin).TotalNanoseconds);
            _sequence.Truncate(test.Depth);
        }

        return new BenchTimes(times, Since(before, _engine.Timings));
    }

    public void Dispose() => _sequence.Dispose();

    /// <summary>A whole prompt, or tokens for as long as it takes.</summary>
    private void WarmUp(BenchTest test, BenchStep[] steps)
    {
        long begin = Stopwatch.GetTimestamp();
        do
        {
            RunAll(test.Prompt > 0 ? steps : steps.TakeWhile((_, i) => i == 0 || Stopwatch.GetElapsedTime(begin) < s_warmUp));
            _sequence.Truncate(test.Depth);
        }
        while (Stopwatch.GetElapsedTime(begin) < s_warmUp);
    }

    private void RunAll(IEnumerable<BenchStep> steps)
    {
        foreach (BenchStep step in steps)
        {
            _cancellation.ThrowIfCancellationRequested();
            ReadOnlyMemory<int> tokens = _tokens.AsMemory(step.Position, step.Tokens);
            _engine.Step([new StepItem(_sequence, tokens, step.WantsLogits ? RowsWanted.Last : RowsWanted.None)]);
        }
    }

    private static IReadOnlyList<OpTiming> Since(IReadOnlyList<OpTiming> before, IReadOnlyList<OpTiming> after)
    {
        Dictionary<string, OpTiming> earlier = before.ToDictionary(t => t.Label, StringComparer.Ordinal);
        return
        [
            .. from t in after
               let e = earlier.GetValueOrDefault(t.Label)
               where t.Runs > (e?.Runs ?? 0)
               select t with { Runs = t.Runs - (e?.Runs ?? 0), Seconds = t.Seconds - (e?.Seconds ?? 0) },
        ];
    }
}
