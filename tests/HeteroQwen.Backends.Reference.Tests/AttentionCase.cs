using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

/// <summary>Sequences in a paged pool, their index inputs, and what attention over them gives by its formula.</summary>
internal sealed class AttentionCase
{
    private const int KvHeads = 2, Page = 4;

    private readonly int[] _entries;
    private readonly int[] _tokens;
    private readonly long _window;
    private readonly int _group;
    private readonly int[] _pages;
    private readonly TestTensor _q;
    private readonly TestTensor _k;
    private readonly TestTensor _v;

    /// <param name="entries">Entries of each sequence, the tokens of this step included.</param>
    /// <param name="tokens">Tokens of each sequence in this step.</param>
    /// <param name="window">Window; 0 for none.</param>
    /// <param name="state">Type of the pool.</param>
    /// <param name="group">Query heads that share one head of K and V.</param>
    /// <param name="width">Elements of a head.</param>
    public AttentionCase(int[] entries, int[] tokens, long window = 0, ElementType state = ElementType.F32, int group = 2, int width = 4)
    {
        (_entries, _tokens, _window, _group) = (entries, tokens, window, group);
        Width = width;
        Bindings = new(tokens.Sum(), entries.Sum(), entries.Length, 0);
        PagesPerSequence = (entries.Max() + Page - 1) / Page;
        int pages = PagesPerSequence * entries.Length;

        // Pages in reverse, every other pair swapped: no sequence lies in order.
        _pages = [.. Enumerable.Range(0, pages).Select(i => pages - 1 - ((i ^ 1) < pages ? i ^ 1 : i))];
        Dim slots = pages * Page;
        _q = TestTensor.Of(Reference.Random(1, (int)Bindings.T * group * KvHeads * Width, 2), Dim.T, group * KvHeads, Width);
        _k = TestTensor.Of(state, Reference.Random(2, pages * Page * KvHeads * Width, 2), slots, KvHeads, Width).AsState();
        _v = TestTensor.Of(state, Reference.Random(3, pages * Page * KvHeads * Width), slots, KvHeads, Width).AsState();
    }

    public Bindings Bindings { get; }

    public Attributes Attributes => new(("page", (long)Page), ("scale", 0.5), ("window", _window));

    private int Width { get; }

    private int PagesPerSequence { get; }

    public TestTensor[] Operands()
    {
        var tokens = Tokens().ToArray();
        var entries = _entries.SelectMany((count, s) => Enumerable.Range(0, count).Select(i => (Sequence: s, Position: i))).ToArray();
        return
        [
            _q, _k, _v,
            TestTensor.Of([.. tokens.Select(t => t.Sequence)], Dim.T), TestTensor.Of([.. tokens.Select(t => t.Position)], Dim.T),
            TestTensor.Of(Starts(_tokens), Dim.BPlus1), TestTensor.Of(Starts(_entries), Dim.BPlus1),
            TestTensor.Of(_pages, Dim.B, PagesPerSequence),
            TestTensor.Of([.. entries.Select(e => Slot(e.Sequence, e.Position))], Dim.N),
            TestTensor.Of([.. entries.Select(e => e.Sequence)], Dim.N), TestTensor.Of([.. entries.Select(e => e.Position)], Dim.N),
        ];
    }

    public double[] Expected()
    {
        (float[] q, float[] k, float[] v) = (_q.Floats(), _k.Floats(), _v.Floats());
        List<double> y = [];
        foreach ((int row, (int sequence, int position)) in Tokens().Index())
        {
            int[] seen = [.. Enumerable.Range(0, _entries[sequence]).Where(i => i <= position && (_window == 0 || position - i < _window))];
            for (int head = 0; head < _group * KvHeads; head++)
            {
                int qAt = ((row * _group * KvHeads) + head) * Width;
                int At(int entry) => ((Slot(sequence, entry) * KvHeads) + (head / _group)) * Width;
                double[] scores = [.. seen.Select(e => 0.5 * Enumerable.Range(0, Width).Sum(d => (double)q[qAt + d] * k[At(e) + d]))];
                double[] p = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
                y.AddRange(Enumerable.Range(0, Width).Select(d => seen.Select((e, i) => p[i] * v[At(e) + d]).Sum() / p.Sum()));
            }
        }

        return [.. y];
    }

    private IEnumerable<(int Sequence, int Position)> Tokens() =>
        _tokens.SelectMany((count, s) => Enumerable.Range(0, count).Select(i => (s, _entries[s] - count + i)));

    private int Slot(int sequence, int entry) => (_pages[(sequence * PagesPerSequence) + (entry / Page)] * Page) + (entry % Page);

    private static int[] Starts(int[] counts) => [.. Enumerable.Range(0, counts.Length + 1).Select(i => counts.Take(i).Sum())];
}
