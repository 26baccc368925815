using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>A step over the paged KV pool: sequences of some past and some new tokens, pages in random order.</summary>
internal sealed class KvStep
{
    private readonly int _page;
    private readonly List<int> _qSeq = [];
    private readonly List<int> _qPos = [];
    private readonly List<int> _qStart = [0];
    private readonly List<int> _kvStart = [0];
    private readonly List<int> _kvSlot = [];
    private readonly List<int> _kvSeq = [];
    private readonly List<int> _kvPos = [];
    private readonly int[] _table;

    /// <param name="random">Orders the pages.</param>
    /// <param name="page">Entries of a page.</param>
    /// <param name="sequences">Entries before the step and tokens of the step; the last are at positions past .. past + tokens - 1.</param>
    /// <param name="sharedPages">Whole pages of the first sequence that the others share.</param>
    public KvStep(CaseRandom random, int page, IReadOnlyList<(int Past, int Tokens)> sequences, int sharedPages = 0)
    {
        _page = page;
        int[] needed = [.. sequences.Select(s => (s.Past + s.Tokens + page - 1) / page)];
        int pages = needed.Sum() + 1;
        int[] order = random.Order(pages);
        Columns = needed.Max() + 1;

        // The last page is the scrap page; columns that a sequence does not use name it.
        Slots = (pages + 1) * page;
        _table = new int[sequences.Count * Columns];
        Array.Fill(_table, pages);
        int next = 0;
        for (int b = 0; b < sequences.Count; b++)
        {
            for (int i = 0; i < needed[b]; i++)
            {
                bool isShared = b > 0 && i < sharedPages && (i + 1) * page <= Math.Min(sequences[0].Past, sequences[b].Past);
                _table[(b * Columns) + i] = isShared ? _table[i] : order[next++];
            }

            AddSequence(b, sequences[b].Past, sequences[b].Tokens);
        }

        Bindings = new Bindings(_qSeq.Count, _kvSlot.Count, sequences.Count, 0);
    }

    public Bindings Bindings { get; }

    public int Slots { get; }

    public int Columns { get; }

    public IReadOnlyList<int> Positions => _qPos;

    /// <summary>i32 [T]: where each token's K and V go.</summary>
    public OpTensor WriteSlot => Draws.Ints([.. _qSeq.Select((b, t) => Slot(b, _qPos[t]))], Dim.T);

    /// <summary>The eight index operands, in order.</summary>
    public OpTensor[] Index() =>
    [
        Draws.Ints([.. _qSeq], Dim.T), Draws.Ints([.. _qPos], Dim.T), Draws.Ints([.. _qStart], Dim.BPlus1), Draws.Ints([.. _kvStart], Dim.BPlus1),
        Draws.Ints(_table, Dim.B, Columns), Draws.Ints([.. _kvSlot], Dim.N), Draws.Ints([.. _kvSeq], Dim.N), Draws.Ints([.. _kvPos], Dim.N),
    ];

    /// <summary>A state [S, heads, width]: entries of the step as drawn, all other slots stale, finite and large, so that reading one shows.</summary>
    public OpTensor State(CaseRandom r, ElementType type, int heads, int width, Func<CaseRandom, double> draw)
    {
        int row = heads * width;
        double[] values = new double[(long)Slots * row];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = 100 + (i % 7);
        }

        foreach (int slot in _kvSlot)
        {
            r.Values(row, draw).CopyTo(values.AsSpan(slot * row));
        }

        return OpTensor.Of(type, values, Slots, heads, width).As(Backends.TensorRole.State);
    }

    private int Slot(int sequence, int position) => (_table[(sequence * Columns) + (position / _page)] * _page) + (position % _page);

    private void AddSequence(int b, int past, int tokens)
    {
        for (int i = 0; i < past + tokens; i++)
        {
            _kvSlot.Add(Slot(b, i));
            _kvSeq.Add(b);
            _kvPos.Add(i);
            if (i >= past)
            {
                _qSeq.Add(b);
                _qPos.Add(i);
            }
        }

        _qStart.Add(_qSeq.Count);
        _kvStart.Add(_kvSlot.Count);
    }
}
