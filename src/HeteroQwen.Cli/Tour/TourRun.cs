using System.Diagnostics;
using HeteroQwen.Generation;

namespace HeteroQwen.Cli;

/// <summary>One device's answers, and its rates over all of them.</summary>
/// <param name="id">The device.</param>
/// <param name="time">A device that needs longer is cut short, at a token of each answer; null for the first, whose text is shown.</param>
internal sealed class TourRun(string id, TimeSpan? time)
{
    private readonly List<GenerationResult> _answers = [];
    private readonly Stopwatch _watch = new();

    public string Id => id;

    public IReadOnlyList<GenerationResult> Answers => _answers;

    public double PrefillRate => Rate(a => a.PromptTokens, a => a.PrefillRate);

    public double DecodeRate => Rate(a => a.Ids.Count - 1, a => a.DecodeRate);

    /// <summary>So that what is compiled at its first use is not counted.</summary>
    public static void WarmUp(Engine engine, int[] prompt) => Generator.Run(engine, new(prompt) { MaxTokens = 4 });

    public void Ask(Engine engine, int[] prompt, CancellationToken cancellation)
    {
        _watch.Start();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        GenerationRequest request = new(prompt)
        {
            // Asked after a token, so that of each answer there is something to compare.
            OnToken = _ =>
            {
                if (_watch.Elapsed > time)
                {
                    limit.Cancel();
                }
            },
        };
        _answers.Add(Generator.Run(engine, request, limit.Token));
        _watch.Stop();
        cancellation.ThrowIfCancellationRequested();
    }

    private double Rate(Func<GenerationResult, int> tokens, Func<GenerationResult, double> rate)
    {
        List<GenerationResult> timed = [.. _answers.Where(a => rate(a) > 0)];
        return timed.Count == 0 ? 0 : timed.Sum(tokens) / timed.Sum(a => tokens(a) / rate(a));
    }
}
