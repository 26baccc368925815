using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>attention</c> over the paged pool. Scalar equivalent, for a head of a token at position p of sequence b, entries i from
/// max(0, p - window + 1) to p: s[i] = scale * q . k[slot i]; w = softmax(s); out = sum over i in order of w[i] v[slot i].
/// A unit is a head of a token; its entries are taken in order of position, so that neither the batch nor the placement of pages
/// changes a bit. A worker takes the heads of a token that fall to it together, up to <see cref="MostHeads"/>: tile of four entries
/// and two heads, each entry widened once for the heads that share it, and the pool's memory run through once. Any strides of q.
/// <para>Scratch: weights [heads, entries], q [heads, D], four rows of K or V [4, D].</para>
/// </summary>
internal sealed unsafe class AttentionKernel : CpuKernel
{
    private const int Q = 0, K = 1, V = 2, QSeq = 3, QPos = 4, QStart = 5, KvStart = 6, PageTable = 7, KvSlot = 8, KvSeq = 9, KvPos = 10;
    private const int MostHeads = 16;
    private const ulong Ignored = (1UL << QStart) | (1UL << KvSlot) | (1UL << KvSeq) | (1UL << KvPos);

    private readonly Work _work;
    private readonly long _page;
    private readonly long _window;
    private readonly float _scale;
    private readonly long _mostEntries;
    private long _longest;

    public AttentionKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, ScratchBytes(op), Ignored)
    {
        _work = Run;
        _page = op.Attributes.Int64("page");
        _window = op.Attributes.Int64("window");
        _scale = (float)op.Attributes.Float64("scale");
        _mostEntries = MostEntries(op);
    }

    protected override Status Run(in Bindings bindings)
    {
        Status status = Check();
        if (status.IsOk)
        {
            TensorView q = Operands[Q];
            Pool.Run(_work, q.Dims[0] * q.Dims[1], _longest * q.Last / (RowBlocks.ProductsPerCost / 2));
        }

        return status;
    }

    /// <summary>Entries that one token can see, rounded up to whole vectors so that what follows them in scratch is aligned.</summary>
    private static long MostEntries(OpDescriptor op)
    {
        long ofSequence = checked(Most(op, PageTable, 1) * op.Attributes.Int64("page"));
        return checked(Math.Min(ofSequence, op.Maxima.N) + 15) / 16 * 16;
    }

    private static long ScratchBytes(OpDescriptor op)
    {
        long heads = Math.Min(MostHeads, Most(op, Q, 1));
        return Floats(checked((heads * (MostEntries(op) + Most(op, Q, 2))) + (RowBlock.Most * Most(op, Q, 2))));
    }

    /// <summary>Checks all that becomes an address: sequences, positions, and the pages of each sequence that has tokens.</summary>
    private Status Check()
    {
        _longest = 1;
        (long sequences, long tokens) = (Operands[PageTable].Dims[0], Operands[Q].Dims[0]);
        int* starts = Index(KvStart);
        int checkedSequence = -1;
        for (long t = 0; t < tokens; t++)
        {
            (int sequence, int position) = (Index(QSeq)[t], Index(QPos)[t]);
            if ((uint)sequence >= sequences)
            {
                return Status.InvalidArgument($"cpu: attention: q_seq {sequence} of token {t} is not in 0..{sequences - 1}");
            }

            long entries = (long)starts[sequence + 1] - starts[sequence];
            if (position < 0 || position >= entries)
            {
                return Status.InvalidArgument($"cpu: attention: q_pos {position} of token {t} is not among its {entries} entries");
            }

            if (sequence != checkedSequence)
            {
                Status status = CheckPages(sequence, entries);
                if (!status.IsOk)
                {
                    return status;
                }

                checkedSequence = sequence;
            }

            _longest = Math.Max(_longest, position + 1);
        }

        return Status.Ok;
    }

    private Status CheckPages(int sequence, long entries)
    {
        TensorView table = Operands[PageTable];
        long pool = Operands[K].Dims[0] / _page;
        long pages = (entries + _page - 1) / _page;
        if (entries > _mostEntries || pages > table.Dims[1])
        {
            return Status.InvalidArgument(
                $"cpu: attention: sequence {sequence} has {entries} entries, more than its {table.Dims[1]} pages or N hold");
        }

        int* row = Index(PageTable) + (sequence * table.Dims[1]);
        for (long i = 0; i < pages; i++)
        {
            if ((uint)row[i] >= pool)
            {
                return Status.InvalidArgument($"cpu: attention: page {row[i]} of sequence {sequence} is not in 0..{pool - 1}");
            }
        }

        return Status.Ok;
    }

    private int* Index(int operand) => (int*)Operands[operand].Data;

    private void Run(int worker, long begin, long end)
    {
        long heads = Operands[Q].Dims[1];
        for (long unit = begin; unit < end;)
        {
            (long token, long head) = Math.DivRem(unit, heads);
            int count = (int)Math.Min(Math.Min(heads - head, end - unit), MostHeads);
            Attend(token, head, count, Pool.Scratch(worker));
            unit += count;
        }
    }

    /// <summary>The heads head .. head + count - 1 of a token.</summary>
    private void Attend(long token, long head, int count, float* scratch)
    {
        (long heads, long length) = (Operands[Q].Dims[1], Operands[Q].Last);
        Seen seen = SeenBy(token);
        float* q = scratch + (count * _mostEntries);
        float* rows = q + (count * length);
        float* y = (float*)Results[0].Data + (((token * heads) + head) * length);
        for (int h = 0; h < count; h++)
        {
            Widening.Into(ElementType.F32, Operands[Q].Row((token * heads) + head + h), Operands[Q].InnerStride, length, q + (h * length));
        }

        for (long i = 0; i < seen.Count; i += RowBlock.Most)
        {
            Score(seen, i, head, count, q, scratch, rows);
        }

        for (int h = 0; h < count; h++)
        {
            float* weights = scratch + (h * _mostEntries);
            Lanes.Scale(weights, _scale, weights, seen.Count);
            SoftmaxKernel.Row(weights, weights, seen.Count);
        }

        new Span<float>(y, checked((int)(count * length))).Clear();
        for (long i = 0; i < seen.Count; i += RowBlock.Most)
        {
            Sum(seen, i, head, count, scratch, rows, y);
        }
    }

    /// <summary>weights[h, i ..] = q[h] . k for four entries and all heads.</summary>
    private void Score(in Seen seen, long i, long head, int count, float* q, float* weights, float* rows)
    {
        long group = Operands[Q].Dims[1] / Operands[K].Dims[1];
        long length = Operands[Q].Last;
        for (int h = 0; h < count;)
        {
            long kvHead = (head + h) / group;
            RowBlock keys = Load(K, seen, i, kvHead, rows);
            int last = (int)Math.Min(count, ((kvHead + 1) * group) - head);
            for (; h < last - 1; h += 2)
            {
                float* to = weights + (h * _mostEntries) + i;
                Products.Two(keys, length, q + (h * length), q + ((h + 1) * length), to, to + _mostEntries);
            }

            for (; h < last; h++)
            {
                Products.One(keys, length, q + (h * length), weights + (h * _mostEntries) + i);
            }
        }
    }

    /// <summary>y[h] += weights[h, i ..] v for four entries and all heads.</summary>
    private void Sum(in Seen seen, long i, long head, int count, float* weights, float* rows, float* y)
    {
        long group = Operands[Q].Dims[1] / Operands[K].Dims[1];
        long length = Operands[Q].Last;
        for (int h = 0; h < count;)
        {
            long kvHead = (head + h) / group;
            RowBlock values = Load(V, seen, i, kvHead, rows);
            for (int last = (int)Math.Min(count, ((kvHead + 1) * group) - head); h < last; h++)
            {
                Products.Accumulate(values, weights + (h * _mostEntries) + i, length, y + (h * length));
            }
        }
    }

    private Seen SeenBy(long token)
    {
        long position = Index(QPos)[token];
        long first = _window == 0 ? 0 : Math.Max(0, position - _window + 1);
        return new Seen(Index(PageTable) + (Index(QSeq)[token] * Operands[PageTable].Dims[1]), first, position - first + 1);
    }

    /// <summary>Up to four entries of K or V from number <paramref name="at"/> of those seen on, widened.</summary>
    private RowBlock Load(int operand, in Seen seen, long at, long kvHead, float* scratch)
    {
        TensorView pool = Operands[operand];
        RowBlock block = new() { Count = (int)Math.Min(RowBlock.Most, seen.Count - at) };
        for (int i = 0; i < block.Count; i++)
        {
            (long page, long place) = Math.DivRem(seen.First + at + i, _page);
            long slot = (seen.Pages[page] * _page) + place;
            long offset = ((slot * pool.Dims[1]) + kvHead) * pool.Last;
            block[i] = Widening.Row(pool.Element, pool.Data + pool.Bytes(offset), 1, pool.Last, scratch + (i * pool.Last));
        }

        return block;
    }

    /// <summary>The entries that a token sees.</summary>
    private readonly struct Seen(int* pages, long first, long count)
    {
        public readonly int* Pages = pages;
        public readonly long First = first;
        public readonly long Count = count;
    }
}
