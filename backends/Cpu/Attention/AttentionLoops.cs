using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>The work on a tile, for any width of vectors.</summary>
internal abstract unsafe class AttentionLoops(AttentionShape shape, SimdWidth width)
{
    public AttentionLayout Layout { get; } = new(shape, width);

    protected AttentionShape Shape { get; } = shape;

    public static AttentionLoops For(AttentionShape shape, SimdWidth width) => width switch
    {
        SimdWidth.Bits512 => new AttentionLoops<Simd512>(shape, width),
        SimdWidth.Bits256 => new AttentionLoops<Simd256>(shape, width),
        SimdWidth.Bits128 => new AttentionLoops<Simd128>(shape, width),
        _ => new AttentionLoops<SimdScalar>(shape, width),
    };

    /// <summary>Takes the tile's rows of q into the scratch.</summary>
    public abstract void LoadQ(in AttentionArguments a, in AttentionTile tile, in AttentionScratch scratch);

    /// <summary>
    /// Fills the records of <see cref="AttentionScratch.Chunks"/> for one chunk, and the entries in it that each token sees,
    /// <see cref="AttentionScratch.Low"/> to <see cref="AttentionScratch.High"/>; equal where it sees none, whose records are not filled.
    /// </summary>
    public abstract void Chunk(in AttentionArguments a, in AttentionTile tile, long chunk, in AttentionScratch scratch);

    /// <summary>Takes a chunk's record into a row's total; <paramref name="isFirst"/> if there is none before it.</summary>
    public abstract void Merge(float* total, float* chunk, bool isFirst);

    public abstract void Finish(float* total, float* output);
}

/// <summary>
/// A chunk of 128 entries: products of all rows, a block of entries after the other; weights; sums, block by block again. Blocks are so
/// small that they stay in a near cache while the rows pass.
/// </summary>
internal sealed unsafe class AttentionLoops<T>(AttentionShape shape, SimdWidth width) : AttentionLoops(shape, width)
    where T : struct, ISimd<T>
{
    public override void LoadQ(in AttentionArguments a, in AttentionTile tile, in AttentionScratch scratch)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            float* from = a.Q + ((tile.Token + tile.TokenOf(row)) * a.QTokenStride) + (tile.HeadOf(row) * a.QHeadStride);
            LoadRow(from, a.QInnerStride, scratch.Q + (row * Layout.Row));
        }
    }

    public override void Chunk(in AttentionArguments a, in AttentionTile tile, long chunk, in AttentionScratch scratch)
    {
        KvBlocks<T> blocks = new(Shape, Layout, tile, chunk * AttentionShape.Chunk, scratch.Entries);
        switch (blocks.Element)
        {
            case ElementType.F16:
                Chunk<KvF16>(a, tile, chunk, blocks, scratch);
                break;
            case ElementType.BF16:
                Chunk<KvBF16>(a, tile, chunk, blocks, scratch);
                break;
            default:
                Chunk<KvF32>(a, tile, chunk, blocks, scratch);
                break;
        }
    }

    public override void Merge(float* total, float* chunk, bool isFirst)
    {
        if (isFirst)
        {
            long bytes = Layout.Record * sizeof(float);
            Buffer.MemoryCopy(chunk, total, bytes, bytes);
        }
        else
        {
            Records<T>.Merge(total, chunk, Layout.Sums);
        }
    }

    public override void Finish(float* total, float* output) => Records<T>.Finish(total, Layout.Sums, output, Shape.HeadDim);

    private void LoadRow(float* from, long stride, float* to)
    {
        long length = Shape.HeadDim;
        new Span<float>(to, (int)Layout.Row)[(int)length..].Clear();
        if (stride == 1)
        {
            Buffer.MemoryCopy(from, to, length * sizeof(float), length * sizeof(float));
            return;
        }

        for (long i = 0; i < length; i++)
        {
            to[i] = from[i * stride];
        }
    }

    /// <summary>The entries of a chunk that each token sees, and all together.</summary>
    private (int First, int Last) See(in AttentionArguments a, in AttentionTile tile, long chunk, in AttentionScratch scratch)
    {
        (int first, int last) = (AttentionShape.Chunk, 0);
        for (int t = 0; t < tile.Tokens; t++)
        {
            long position = a.QPos[tile.Token + t];
            long start = chunk * AttentionShape.Chunk;
            int high = (int)Math.Clamp(position + 1 - start, 0, AttentionShape.Chunk);
            int low = (int)Math.Clamp(Shape.First(position) - start, 0, high);
            (scratch.Low[t], scratch.High[t]) = (low, high);
            if (low < high)
            {
                (first, last) = (Math.Min(first, low), Math.Max(last, high));
            }
        }

        return (first, last);
    }

    private void Chunk<TElement>(
        in AttentionArguments a, in AttentionTile tile, long chunk, in KvBlocks<T> blocks, in AttentionScratch scratch)
        where TElement : struct, IKvElement
    {
        (int first, int last) = See(a, tile, chunk, scratch);
        first = first / Scores<T>.Entries * Scores<T>.Entries;
        for (int e = first, count; e < last; e += count)
        {
            KvBlock keys = blocks.Get(a.K, Layout.Row, e, last, out count);
            Score<TElement>(tile, e, count, keys, scratch);
        }

        Weigh(tile, scratch);
        for (int e = first, count; e < last; e += count)
        {
            KvBlock values = blocks.Get(a.V, Layout.Sums, e, last, out count);
            Sum<TElement>(tile, e, count, values, scratch);
        }
    }

    private void Score<TElement>(in AttentionTile tile, int from, int count, in KvBlock keys, in AttentionScratch scratch)
        where TElement : struct, IKvElement
    {
        int rows = tile.HeadRows;
        for (int head = 0; head < tile.KvHeads; head++)
        {
            keys.PrefetchNext(head, count);
            for (int row = 0, step; row < rows; row += step)
            {
                step = RowTile.Step<T>(rows - row);
                (int low, int high) = (AttentionShape.Chunk, 0);
                for (int t = row / Shape.Group; t <= (row + step - 1) / Shape.Group; t++)
                {
                    (low, high) = (Math.Min(low, scratch.Low[t]), Math.Max(high, scratch.High[t]));
                }

                low = Math.Max(0, low - from) / Scores<T>.Entries * Scores<T>.Entries;
                int entries = Math.Min(count, high - from) - low;
                long at = (head * rows) + row;
                float* to = scratch.Weights + (at * AttentionShape.Chunk) + from + low;
                byte* k = keys.Data + (head * keys.Head) + (low * keys.Row);
                Scores<T>.Rows<TElement>(step, scratch.Q + (at * Layout.Row), k, keys.Row, Layout.Row, entries, to);
            }
        }
    }

    private void Weigh(in AttentionTile tile, in AttentionScratch scratch)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            int token = tile.TokenOf(row);
            if (scratch.Low[token] < scratch.High[token])
            {
                float* record = scratch.Chunks + (row * Layout.Record);
                new Span<float>(record, (int)Layout.Sums).Clear();
                float* weights = scratch.Weights + (row * AttentionShape.Chunk);
                float* tail = record + Layout.Sums;
                Records<T>.Weights(weights, scratch.Low[token], scratch.High[token], Shape.Scale, tail, tail + 1);
            }
        }
    }

    private void Sum<TElement>(in AttentionTile tile, int from, int count, in KvBlock values, in AttentionScratch scratch)
        where TElement : struct, IKvElement
    {
        int rows = tile.HeadRows;
        for (int head = 0; head < tile.KvHeads; head++)
        {
            KvBlock v = values.OfHead(head);
            values.PrefetchNext(head, count);
            for (int row = 0, step; row < rows; row += step)
            {
                step = RowTile.Step<T>(rows - row);
                (int low, int high) = (from, from + count);
                for (int t = row / Shape.Group; t <= (row + step - 1) / Shape.Group; t++)
                {
                    (low, high) = (Math.Max(low, scratch.Low[t]), Math.Min(high, scratch.High[t]));
                }

                SumRows<TElement>(row, step, head * rows, low, high, from, count, v, scratch);
            }
        }
    }

    /// <summary>
    /// Rows of a tile: together what all of them see, alone what is before and after that. An entry that a row does not see is not
    /// added to it with a weight of 0, since it may be no finite number.
    /// </summary>
    private void SumRows<TElement>(
        int row, int step, int offset, int low, int high, int from, int count, in KvBlock v, in AttentionScratch scratch)
        where TElement : struct, IKvElement
    {
        bool together = low < high && step > 1;
        for (int r = row; r < row + step; r++)
        {
            int token = r / Shape.Group;
            (int begin, int end) = (Math.Max(from, scratch.Low[token]), Math.Min(from + count, scratch.High[token]));
            AddRows<TElement>(1, offset + r, begin, together ? low : end, from, v, scratch);
        }

        if (together)
        {
            AddRows<TElement>(step, offset + row, low, high, from, v, scratch);
            for (int r = row; r < row + step; r++)
            {
                AddRows<TElement>(1, offset + r, high, Math.Min(from + count, scratch.High[r / Shape.Group]), from, v, scratch);
            }
        }
    }

    private void AddRows<TElement>(int rows, long row, int begin, int end, int from, in KvBlock v, in AttentionScratch scratch)
        where TElement : struct, IKvElement
    {
        if (begin < end)
        {
            float* p = scratch.Weights + (row * AttentionShape.Chunk) + begin;
            float* y = scratch.Chunks + (row * Layout.Record);
            WeightedSums<T>.Add<TElement>(rows, p, v.Data + ((begin - from) * v.Row), v.Row, Layout.Sums, end - begin, y, Layout.Record);
        }
    }
}
