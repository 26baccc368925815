using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>A step over sequences of so many entries, of which the last few are this step's tokens.</summary>
internal sealed class AttentionStep(
    (int Entries, int Tokens)[] sequences, int heads, int kvHeads, int length, ElementType type, long window)
{
    /// <summary>Slots of a page.</summary>
    public int Page { get; init; } = 4;

    /// <summary>Pages of a sequence at the most.</summary>
    public int Columns { get; init; } = 5;

    /// <summary>Where the first sequence's pages begin; each entry's K and V stay the same wherever they lie.</summary>
    public int FirstPage { get; init; } = 2;

    public Attributes Attributes => new(("page", (long)Page), ("scale", 0.35), ("window", window));

    public Bindings Bindings { get; } = new(sequences.Sum(s => s.Tokens), sequences.Sum(s => s.Entries), sequences.Length, 1);

    /// <summary>The tokens of the step.</summary>
    public (int Sequence, int Position)[] Tokens => Positions(s => s.Entries - s.Tokens);

    /// <summary>Where the tokens' K and V go.</summary>
    public int[] WriteSlots => [.. Tokens.Select(Slot)];

    public TestTensor[] Operands
    {
        get
        {
            int[] table = [.. sequences.SelectMany((_, b) => Enumerable.Range(0, Columns).Select(i => PageOf(b, i)))];
            (int Sequence, int Position)[] tokens = Tokens;
            (int Sequence, int Position)[] entries = Positions(_ => 0);
            TestTensor q = Data.Floats(1, tokens.Length, heads, length);
            return [
                q with { Dims = [Dim.T, heads, length] }, State(2, entries), State(3, entries),
                TestTensor.Of([.. tokens.Select(t => t.Sequence)], Dim.T), TestTensor.Of([.. tokens.Select(t => t.Position)], Dim.T),
                TestTensor.Of(Starts(s => s.Tokens), Dim.BPlus1), TestTensor.Of(Starts(s => s.Entries), Dim.BPlus1),
                TestTensor.Of(table, Dim.B, Columns), TestTensor.Of([.. entries.Select(Slot)], Dim.N),
                TestTensor.Of([.. entries.Select(e => e.Sequence)], Dim.N), TestTensor.Of([.. entries.Select(e => e.Position)], Dim.N)];
        }
    }

    private int Pages => Math.Max(12, sequences.Sum(s => PagesFor(s.Entries)));

    /// <summary>Pages run backwards, and later sequences fill what is left; columns that are not used name page 0.</summary>
    private int PageOf(int sequence, int column)
    {
        int before = sequences.Take(sequence).Sum(s => PagesFor(s.Entries)) + column;
        return column < PagesFor(sequences[sequence].Entries) ? (FirstPage + (Pages - before)) % Pages : 0;
    }

    private int PagesFor(int entries) => (entries + Page - 1) / Page;

    private (int Sequence, int Position)[] Positions(Func<(int Entries, int Tokens), int> first) =>
        [.. sequences.SelectMany((s, b) => Enumerable.Range(first(s), s.Entries - first(s)).Select(p => (b, p)))];

    private int Slot((int Sequence, int Position) entry) =>
        (PageOf(entry.Sequence, entry.Position / Page) * Page) + (entry.Position % Page);

    private int[] Starts(Func<(int Entries, int Tokens), int> count) =>
        [0, .. sequences.Select((_, b) => sequences.Take(b + 1).Sum(count))];

    private TestTensor State(int seed, (int Sequence, int Position)[] entries)
    {
        int row = kvHeads * length;
        float[] values = new float[Pages * Page * row];
        foreach ((int sequence, int position) in entries)
        {
            Data.Floats((100 * seed) + (1000 * sequence) + position, row).Floats().CopyTo(values, Slot((sequence, position)) * row);
        }

        return TestTensor.Of(type, values, Pages * Page, kvHeads, length).AsState();
    }
}
