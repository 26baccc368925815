namespace HeteroQwen.Generation.Tests;

public sealed class KvPoolTests
{
    private const int Page = 4;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_order_of_grow_fork_truncate_and_release_keeps_each_text_and_every_page_count(int seed)
    {
        Random random = new(seed);
        PoolModel model = new(pages: 12, limit: 22);
        for (int i = 0; i < 4000; i++)
        {
            model.Act(random);
            model.Verify();
        }

        Assert.True(model.Exhausted > 0 && model.Copies > 0, "the sequence of actions reached neither exhaustion nor a copy");
        model.ReleaseAll();
        Assert.Equal(12, model.Pool.FreePages);
    }

    [Fact]
    public void TryReserve_beyond_the_free_pages_is_false_and_changes_nothing()
    {
        KvPool pool = new(pages: 2, Page, sequenceLimit: 100, (_, _, _) => Assert.Fail("nothing is to be copied"));
        Sequence sequence = Grow(pool.NewSequence(), 3);
        Assert.False(pool.TryReserve(sequence, (2 * Page) - 2));
        Assert.Equal((3, 1, 1), (sequence.Length, sequence.PageCount, pool.FreePages));
        Assert.True(pool.TryReserve(sequence, (2 * Page) - 3));
    }

    [Fact]
    public void TryReserve_beyond_the_limit_of_a_sequence_throws()
    {
        KvPool pool = new(pages: 8, Page, sequenceLimit: 5, (_, _, _) => { });
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.TryReserve(pool.NewSequence(), 6));
    }

    [Fact]
    public void Fork_shares_pages_and_the_first_writer_into_a_partly_filled_one_copies_its_rows()
    {
        List<(long From, long To, long Rows)> copies = [];
        KvPool pool = new(pages: 8, Page, sequenceLimit: 100, (from, to, rows) => copies.Add((from, to, rows)));
        Sequence parent = Grow(pool.NewSequence(), Page + 2);
        Sequence fork = parent.Fork();
        Assert.Equal(6, pool.FreePages);
        Grow(fork, 1);
        Assert.Equal([(parent.Pages[1] * Page, fork.Pages[1] * Page, 2)], copies);
        Assert.Equal(parent.Pages[0], fork.Pages[0]);
        Grow(parent, 1);
        Assert.Single(copies);
    }

    [Fact]
    public void Truncate_into_a_shared_page_copies_it_before_the_next_write()
    {
        List<long> copied = [];
        KvPool pool = new(pages: 8, Page, sequenceLimit: 100, (_, _, rows) => copied.Add(rows));
        Sequence parent = Grow(pool.NewSequence(), 2 * Page);
        Sequence fork = parent.Fork();
        fork.Truncate(Page + 1);
        Grow(fork, 1);
        Assert.Equal([1], copied);
        Assert.NotEqual(parent.Pages[1], fork.Pages[1]);
    }

    [Fact]
    public void A_released_sequence_cannot_be_used_again()
    {
        KvPool pool = new(pages: 8, Page, sequenceLimit: 100, (_, _, _) => { });
        Sequence sequence = Grow(pool.NewSequence(), 1);
        sequence.Dispose();
        sequence.Dispose();
        Assert.Throws<ObjectDisposedException>(sequence.Fork);
        Assert.Equal(8, pool.FreePages);
    }

    internal static Sequence Grow(Sequence sequence, int entries)
    {
        Assert.True(sequence.Pool.TryReserve(sequence, entries));
        sequence.Length += entries;
        return sequence;
    }

    /// <summary>A pool over an array of slots, beside the texts that its sequences ought to hold.</summary>
    private sealed class PoolModel
    {
        private readonly List<(Sequence Sequence, List<int> Text)> _texts = [];
        private readonly int[] _slots;
        private int _written;

        public PoolModel(int pages, int limit)
        {
            _slots = new int[pages * Page];
            Pool = new KvPool(pages, Page, limit, Copy);
        }

        public KvPool Pool { get; }

        public int Exhausted { get; private set; }

        public int Copies { get; private set; }

        public void Act(Random random)
        {
            int action = random.Next(10);
            if (_texts.Count == 0 || (action == 0 && _texts.Count < 6))
            {
                _texts.Add((Pool.NewSequence(), []));
                return;
            }

            int at = random.Next(_texts.Count);
            (Sequence sequence, List<int> text) = _texts[at];
            switch (action)
            {
                case 1 when _texts.Count < 6:
                    _texts.Add((sequence.Fork(), [.. text]));
                    break;
                case 2:
                    int length = random.Next(text.Count + 1);
                    sequence.Truncate(length);
                    text.RemoveRange(length, text.Count - length);
                    break;
                case 3:
                    sequence.Dispose();
                    _texts.RemoveAt(at);
                    break;
                default:
                    Write(sequence, text, Math.Min(random.Next(1, 7), Pool.SequenceLimit - text.Count));
                    break;
            }
        }

        public void Verify()
        {
            foreach ((Sequence sequence, List<int> text) in _texts)
            {
                Assert.Equal(text, Enumerable.Range(0, sequence.Length).Select(i => _slots[Slot(sequence, i)]));
            }

            int held = _texts.SelectMany(t => t.Sequence.Pages.Take(t.Sequence.PageCount)).Distinct().Count();
            Assert.Equal(Pool.Pages - held, Pool.FreePages);
        }

        public void ReleaseAll() => _texts.ForEach(t => t.Sequence.Dispose());

        private void Write(Sequence sequence, List<int> text, int entries)
        {
            if (!Pool.TryReserve(sequence, entries))
            {
                Exhausted++;
                return;
            }

            for (int i = 0; i < entries; i++)
            {
                text.Add(++_written);
                _slots[Slot(sequence, sequence.Length++)] = _written;
            }
        }

        private void Copy(long from, long to, long rows)
        {
            Array.Copy(_slots, from, _slots, to, rows);
            Copies++;
        }

        private static int Slot(Sequence sequence, int position) => (sequence.Pages[position / Page] * Page) + (position % Page);
    }
}
