using System.Numerics;
using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>
/// The bindings of a step. Where the device asks for it they are rounded up to a few sizes: T, B and R to powers of two, N to the
/// page times powers of two within one sequence's entries E = P * page and to multiples of E / 2 beyond. What is added to T and N
/// belongs to a padding sequence, and N is rounded after as many entries were added as the padding has tokens. Since T is at most
/// E, that is E at most.
/// </summary>
internal sealed class StepSizes
{
    private readonly int _page;
    private readonly bool _rounds;

    /// <param name="tokens">The most tokens of a step, at most <paramref name="page"/> x <paramref name="pages"/>.</param>
    /// <param name="sequences">The most sequences of a step, padding left out.</param>
    /// <param name="rows">The most rows whose logits are wanted.</param>
    /// <param name="page">Entries of a page.</param>
    /// <param name="pages">P, the pages of a sequence.</param>
    /// <param name="rounds">Whether bindings are rounded up.</param>
    public StepSizes(int tokens, int sequences, int rows, int page, int pages, bool rounds)
    {
        (_page, _rounds) = (page, rounds);
        SequenceEntries = (long)page * pages;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, SequenceEntries);
        long entries = checked(sequences * SequenceEntries);

        // At most half of T is padding: it is rounded to a power of two, or to its maximum from above the power below it.
        Maxima = rounds
            ? new Bindings(tokens, RoundEntries(entries + (tokens / 2)), sequences + 1, rows)
            : new Bindings(tokens, entries, sequences, rows);
    }

    public Bindings Maxima { get; }

    private long SequenceEntries { get; }

    /// <summary>The bindings that a step runs with, given its own.</summary>
    public Bindings Padded(in Bindings step)
    {
        if (!_rounds)
        {
            return step;
        }

        long tokens = RoundToPower(step.T, Maxima.T);

        // A row for the padding sequence is always there, so that steps with and without padding share a plan.
        return new Bindings(
            tokens,
            RoundEntries(step.N + tokens - step.T),
            RoundToPower(step.B + 1, Maxima.B),
            RoundToPower(step.R, Maxima.R));
    }

    private static long RoundToPower(long value, long max) => Math.Min((long)BitOperations.RoundUpToPowerOf2((ulong)value), max);

    private long RoundEntries(long entries)
    {
        if (entries > SequenceEntries)
        {
            long step = Math.Max(1, SequenceEntries / 2);
            return (entries + step - 1) / step * step;
        }

        long size = _page;
        while (size < entries)
        {
            size *= 2;
        }

        return Math.Min(size, SequenceEntries);
    }
}
