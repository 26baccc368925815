using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation.Tests;

/// <summary>Two sequences of 5 and 1 entries get 2 and 3 tokens; pages of 4; the pool has 6, and the scrap page is number 6.</summary>
public sealed class StepBuilderTests
{
    private const int Page = 4;
    private const int HeadDim = 8;
    private readonly KvPool _pool = new(pages: 6, Page, sequenceLimit: 12, (_, _, _) => { });
    private readonly RopeTable _rope = new(HeadDim, new RopeSettings(RopeType.Default, 1e6, 1, 64));
    private readonly StepItem[] _items;

    public StepBuilderTests()
    {
        Sequence first = KvPoolTests.Grow(_pool.NewSequence(), 5);
        Sequence second = KvPoolTests.Grow(_pool.NewSequence(), 1);
        _items = [new(first, new[] { 11, 12 }, RowsWanted.Last), new(second, new[] { 21, 22, 23 }, RowsWanted.All)];
        Assert.True(_pool.TryReserve(first, 2) && _pool.TryReserve(second, 3));
        Assert.Equal([0, 1], first.Pages[..2]);
        Assert.Equal(2, second.Pages[0]);
    }

    [Fact]
    public void Fill_without_rounding_writes_tokens_and_entries_sequence_by_sequence()
    {
        Recorded inputs = Fill(rounds: false, out Bindings bindings);
        Assert.Equal(new Bindings(5, 11, 2, 4), bindings);
        Assert.Equal([11, 12, 21, 22, 23], inputs.Tokens[..5]);
        Assert.Equal([1, 2, 3, 4], inputs.Rows[..4]);
        Assert.Equal([5, 6, 9, 10, 11], inputs.WriteSlot[..5]);
        Assert.Equal([0, 0, 1, 1, 1], inputs.QSeq[..5]);
        Assert.Equal([5, 6, 1, 2, 3], inputs.QPos[..5]);
        Assert.Equal([0, 2, 5], inputs.QStart[..3]);
        Assert.Equal([0, 7, 11], inputs.KvStart[..3]);
        Assert.Equal([0, 1, 6, 2, 6, 6], inputs.PageTable[..6]);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11], inputs.KvSlot[..11]);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], inputs.KvSeq[..11]);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3], inputs.KvPos[..11]);
        AssertAngles(inputs, [5, 6, 1, 2, 3]);
    }

    [Fact]
    public void Fill_with_rounding_adds_one_sequence_on_the_scrap_page_and_empty_rows()
    {
        Recorded inputs = Fill(rounds: true, out Bindings bindings);
        Assert.Equal(new Bindings(8, 18, 4, 4), bindings);
        Assert.Equal([11, 12, 21, 22, 23, 0, 0, 0], inputs.Tokens[..8]);
        Assert.Equal([0, 0, 1, 1, 1, 2, 2, 2], inputs.QSeq[..8]);
        Assert.Equal([5, 6, 1, 2, 3, 4, 5, 6], inputs.QPos[..8]);
        Assert.Equal([5, 6, 9, 10, 11, 24, 25, 26], inputs.WriteSlot[..8]);
        Assert.Equal([0, 2, 5, 8, 8], inputs.QStart[..5]);
        Assert.Equal([0, 7, 11, 18, 18], inputs.KvStart[..5]);
        Assert.Equal([0, 1, 6, 2, 6, 6, 6, 6, 6, 6, 6, 6], inputs.PageTable[..12]);
        Assert.Equal([24, 25, 26, 27, 24, 25, 26], inputs.KvSlot[11..18]);
        Assert.Equal([2, 2, 2, 2, 2, 2, 2], inputs.KvSeq[11..18]);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], inputs.KvPos[11..18]);
        AssertAngles(inputs, [5, 6, 1, 2, 3, 4, 5, 6]);
    }

    [Fact]
    public void Fill_repeats_the_first_row_where_R_is_rounded()
    {
        _items[0] = _items[0] with { Rows = RowsWanted.None };
        Recorded inputs = Fill(rounds: true, out Bindings bindings);
        Assert.Equal(4, bindings.R);
        Assert.Equal([2, 3, 4, 2], inputs.Rows[..4]);
    }

    [Fact]
    public void Fill_leaves_out_what_the_plan_does_not_read()
    {
        Recorded all = Fill(rounds: true, out Bindings expected);
        int[] tokens = new int[8];
        Builder(rounds: true, out _).Fill(_items, new StepInputs { Tokens = tokens });
        Assert.Equal(all.Tokens[..8], tokens);
        Assert.Equal(expected, Builder(rounds: true, out _).Fill(_items, default));
    }

    [Fact]
    public void Fill_allocates_nothing()
    {
        StepBuilder builder = Builder(rounds: true, out Bindings maxima);
        Recorded recorded = new(maxima, _pool.PagesPerSequence);
        StepInputs inputs = recorded.Inputs;
        builder.Fill(_items, inputs);
        long before = GC.GetAllocatedBytesForCurrentThread();
        builder.Fill(_items, inputs);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private Recorded Fill(bool rounds, out Bindings bindings)
    {
        StepBuilder builder = Builder(rounds, out Bindings maxima);
        Recorded recorded = new(maxima, _pool.PagesPerSequence);
        bindings = builder.Fill(_items, recorded.Inputs);
        return recorded;
    }

    private StepBuilder Builder(bool rounds, out Bindings maxima)
    {
        StepSizes sizes = new(tokens: 12, sequences: 3, rows: 12, Page, _pool.PagesPerSequence, rounds);
        maxima = sizes.Maxima;
        return new StepBuilder(_rope, sizes, _pool);
    }

    private void AssertAngles(Recorded inputs, int[] positions)
    {
        int length = positions.Length * HeadDim;
        (float[] cos, float[] sin) = (new float[length], new float[length]);
        _rope.Fill(positions, cos, sin);
        Assert.Equal(cos, inputs.Cos[..length]);
        Assert.Equal(sin, inputs.Sin[..length]);
    }

    /// <summary>Arrays in place of a session's staging memory, sized for the maxima.</summary>
    private sealed class Recorded(Bindings maxima, int pages)
    {
        public int[] Tokens { get; } = new int[maxima.T];

        public int[] Rows { get; } = new int[maxima.R];

        public int[] WriteSlot { get; } = new int[maxima.T];

        public int[] QSeq { get; } = new int[maxima.T];

        public int[] QPos { get; } = new int[maxima.T];

        public int[] QStart { get; } = new int[maxima.B + 1];

        public int[] KvStart { get; } = new int[maxima.B + 1];

        public int[] PageTable { get; } = new int[maxima.B * pages];

        public int[] KvSlot { get; } = new int[maxima.N];

        public int[] KvSeq { get; } = new int[maxima.N];

        public int[] KvPos { get; } = new int[maxima.N];

        public float[] Cos { get; } = new float[maxima.T * HeadDim];

        public float[] Sin { get; } = new float[maxima.T * HeadDim];

        public StepInputs Inputs => new()
        {
            Tokens = Tokens,
            Rows = Rows,
            WriteSlot = WriteSlot,
            QSeq = QSeq,
            QPos = QPos,
            QStart = QStart,
            KvStart = KvStart,
            PageTable = PageTable,
            KvSlot = KvSlot,
            KvSeq = KvSeq,
            KvPos = KvPos,
            Cos = Cos,
            Sin = Sin,
        };
    }
}
