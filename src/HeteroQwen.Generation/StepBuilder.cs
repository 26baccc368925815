using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>
/// Writes the inputs of a step: tokens sequence by sequence in position order, entries of each from position 0 on, the step's
/// tokens the last of them. Padding is one more sequence, all of it on the scrap page; the rows of B after it are empty. Allocates
/// nothing per step.
/// </summary>
internal sealed class StepBuilder
{
    private readonly RopeTable _rope;
    private readonly StepSizes _sizes;
    private readonly int _page;
    private readonly int _scrapPage;
    private readonly int[] _scrapTable;

    /// <summary>Positions of the tokens; also where the plan does not read them, for cos and sin.</summary>
    private readonly int[] _positions;

    public StepBuilder(RopeTable rope, StepSizes sizes, KvPool pool)
    {
        (_rope, _sizes, _page, _scrapPage) = (rope, sizes, pool.PageSize, pool.ScrapPage);
        _positions = new int[sizes.Maxima.T];
        _scrapTable = new int[pool.PagesPerSequence];
        Array.Fill(_scrapTable, _scrapPage);
    }

    /// <summary>The bindings of the items themselves; <see cref="StepSizes.Padded"/> has those to run with.</summary>
    public static Bindings Measure(ReadOnlySpan<StepItem> items)
    {
        (long tokens, long entries, long rows) = (0, 0, 0);
        foreach (StepItem item in items)
        {
            tokens += item.Tokens.Length;
            entries += item.Sequence.Length + item.Tokens.Length;
            rows += item.RowCount;
        }

        return new Bindings(tokens, entries, items.Length, rows);
    }

    /// <summary>Writes the inputs of a step whose sequences have room for their tokens, and returns the bindings to run it with.</summary>
    public Bindings Fill(ReadOnlySpan<StepItem> items, in StepInputs inputs)
    {
        Bindings real = Measure(items);
        Bindings padded = _sizes.Padded(real);
        Cursor at = default;
        foreach (StepItem item in items)
        {
            if (!inputs.Tokens.IsEmpty)
            {
                item.Tokens.Span.CopyTo(inputs.Tokens[at.Token..]);
            }

            AddRows(inputs, item, ref at);
            ReadOnlySpan<int> table = item.Sequence.Pages.AsSpan(0, item.Sequence.PageCount);
            AddSequence(inputs, table, item.Tokens.Length, item.Sequence.Length + item.Tokens.Length, ref at);
        }

        AddPadding(inputs, real, padded, ref at);
        int angles = at.Token * _rope.HeadDim;
        if (!inputs.Cos.IsEmpty && !inputs.Sin.IsEmpty)
        {
            _rope.Fill(_positions.AsSpan(0, at.Token), inputs.Cos[..angles], inputs.Sin[..angles]);
        }

        return padded;
    }

    private void AddPadding(in StepInputs inputs, in Bindings real, in Bindings padded, ref Cursor at)
    {
        int tokens = (int)(padded.T - real.T);
        if (!inputs.Tokens.IsEmpty)
        {
            inputs.Tokens.Slice(at.Token, tokens).Clear();
        }

        if (padded.B > real.B)
        {
            AddSequence(inputs, _scrapTable, tokens, (int)(padded.N - real.N), ref at);
        }

        while (at.Sequence < padded.B)
        {
            AddSequence(inputs, _scrapTable, 0, 0, ref at);
        }

        Set(inputs.QStart, at.Sequence, at.Token);
        Set(inputs.KvStart, at.Sequence, at.Entry);
        if (!inputs.Rows.IsEmpty && padded.R > real.R)
        {
            inputs.Rows[(int)real.R..(int)padded.R].Fill(inputs.Rows[0]);
        }
    }

    private void AddSequence(in StepInputs inputs, ReadOnlySpan<int> pages, int tokens, int entries, ref Cursor at)
    {
        Set(inputs.QStart, at.Sequence, at.Token);
        Set(inputs.KvStart, at.Sequence, at.Entry);
        if (!inputs.PageTable.IsEmpty)
        {
            Span<int> row = inputs.PageTable.Slice(at.Sequence * _scrapTable.Length, _scrapTable.Length);
            pages.CopyTo(row);
            row[pages.Length..].Fill(_scrapPage);
        }

        for (int position = entries - tokens; position < entries; position++, at.Token++)
        {
            _positions[at.Token] = position;
            Set(inputs.QPos, at.Token, position);
            Set(inputs.QSeq, at.Token, at.Sequence);
            Set(inputs.WriteSlot, at.Token, Slot(pages, position));
        }

        AddEntries(inputs, pages, entries, ref at);
        at.Sequence++;
    }

    private void AddEntries(in StepInputs inputs, ReadOnlySpan<int> pages, int entries, ref Cursor at)
    {
        if (!inputs.KvSlot.IsEmpty || !inputs.KvSeq.IsEmpty || !inputs.KvPos.IsEmpty)
        {
            for (int position = 0; position < entries; position++)
            {
                Set(inputs.KvSlot, at.Entry + position, Slot(pages, position));
                Set(inputs.KvSeq, at.Entry + position, at.Sequence);
                Set(inputs.KvPos, at.Entry + position, position);
            }
        }

        at.Entry += entries;
    }

    private static void AddRows(in StepInputs inputs, in StepItem item, ref Cursor at)
    {
        int count = item.RowCount;
        for (int i = 0; i < count; i++)
        {
            Set(inputs.Rows, at.Row++, at.Token + item.Tokens.Length - count + i);
        }
    }

    private int Slot(ReadOnlySpan<int> pages, int position) => (pages[position / _page] * _page) + (position % _page);

    private static void Set(Span<int> input, int index, int value)
    {
        if (!input.IsEmpty)
        {
            input[index] = value;
        }
    }

    /// <summary>What has been written so far.</summary>
    private struct Cursor
    {
        public int Sequence;
        public int Token;
        public int Entry;
        public int Row;
    }
}
