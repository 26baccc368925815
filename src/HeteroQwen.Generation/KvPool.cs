namespace HeteroQwen.Generation;

/// <summary>
/// Hands out the pages of the KV states. Pages are shared whole between sequences and counted; one that a sequence is about to
/// write into while another sees it is copied first, so only a partly filled page ever is. The scrap page lies behind the last
/// page and is never handed out.
/// </summary>
public sealed class KvPool
{
    private readonly int[] _references;
    private readonly int[] _free;
    private readonly Action<long, long, long> _copyRows;
    private int _freeCount;

    /// <param name="pages">Pages to hand out; the scrap page is one more.</param>
    /// <param name="page">Entries of a page.</param>
    /// <param name="sequenceLimit">The most entries that a sequence may have.</param>
    /// <param name="copyRows">Copies rows of every state: from slot, to slot, number.</param>
    public KvPool(int pages, int page, int sequenceLimit, Action<long, long, long> copyRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pages, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(page, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLimit, 1);
        ArgumentNullException.ThrowIfNull(copyRows);
        (PageSize, SequenceLimit, _copyRows) = (page, sequenceLimit, copyRows);
        PagesPerSequence = PagesFor(sequenceLimit);
        _references = new int[pages];
        _free = new int[pages];
        for (int i = pages - 1; i >= 0; i--)
        {
            _free[_freeCount++] = i;
        }
    }

    /// <summary>Entries of a page.</summary>
    public int PageSize { get; }

    /// <summary>The most entries that a sequence may have.</summary>
    public int SequenceLimit { get; }

    /// <summary>P, the columns of a page table.</summary>
    public int PagesPerSequence { get; }

    /// <summary>Pages in all, the scrap page left out.</summary>
    public int Pages => _references.Length;

    public int FreePages => _freeCount;

    /// <summary>The page that padding writes to.</summary>
    public int ScrapPage => _references.Length;

    public int PagesFor(int entries) => (int)(((long)entries + PageSize - 1) / PageSize);

    public Sequence NewSequence() => new(this);

    /// <summary>
    /// Makes room for more entries. False, and nothing changed, if the pool has too few free pages.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence would exceed <see cref="SequenceLimit"/>.</exception>
    internal bool TryReserve(Sequence sequence, int entries)
    {
        long end = (long)sequence.Length + entries;
        if (entries < 0 || end > SequenceLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(entries), entries, $"a sequence of {sequence.Length} may grow to {SequenceLimit}");
        }

        int filled = sequence.Length % PageSize;
        int last = sequence.Length / PageSize;
        bool copies = entries > 0 && filled > 0 && _references[sequence.Pages[last]] > 1;
        int more = Math.Max(0, PagesFor((int)end) - sequence.PageCount);
        if (more + (copies ? 1 : 0) > _freeCount)
        {
            return false;
        }

        if (copies)
        {
            int page = Take();
            _copyRows((long)sequence.Pages[last] * PageSize, (long)page * PageSize, filled);
            Drop(sequence.Pages[last]);
            sequence.Pages[last] = page;
        }

        for (; more > 0; more--)
        {
            sequence.Pages[sequence.PageCount++] = Take();
        }

        return true;
    }

    internal Sequence Fork(Sequence sequence)
    {
        Sequence fork = new(this) { Length = sequence.Length, PageCount = PagesFor(sequence.Length) };
        for (int i = 0; i < fork.PageCount; i++)
        {
            fork.Pages[i] = sequence.Pages[i];
            _references[fork.Pages[i]]++;
        }

        return fork;
    }

    /// <summary>Shortens a sequence, and gives back pages that it reserved beyond its length.</summary>
    internal void Truncate(Sequence sequence, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, sequence.Length);
        sequence.Length = length;
        for (int keep = PagesFor(length); sequence.PageCount > keep;)
        {
            Drop(sequence.Pages[--sequence.PageCount]);
        }
    }

    private int Take()
    {
        int page = _free[--_freeCount];
        _references[page] = 1;
        return page;
    }

    private void Drop(int page)
    {
        if (--_references[page] == 0)
        {
            _free[_freeCount++] = page;
        }
    }
}
