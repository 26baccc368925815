using System.Collections.Immutable;

namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>
/// out[t, h, :] = sum over the entries e that t sees of p[e] v[slot e, h / g, :], p = softmax of scale * q[t, h, :] . k[slot e, h / g, :].
/// Entry i of a sequence has position i, so that a token sees those from position - window + 1 (0 without a window) to its position.
/// </summary>
internal static class AttentionKernel
{
    private const int QStart = 5;
    private const int KvSlot = 8;

    /// <summary>A token names its sequence in q_seq, and the page table its slots: q_start and the lists of entries say no more.</summary>
    public static ImmutableArray<int> Ignores { get; } = [QStart, KvSlot, KvSlot + 1, KvSlot + 2];

    public static void Run(in Launch launch)
    {
        (long tokens, long kvHeads) = (launch.Operands[0].Dims[0], launch.Operands[1].Dims[1]);
        for (long token = 0; token < tokens; token++)
        {
            ReadOnlySpan<long> slots = Slots(launch, token);
            for (long kvHead = 0; kvHead < kvHeads; kvHead++)
            {
                Attend(launch, token, kvHead, slots);
            }
        }
    }

    /// <summary>The slots of the entries that a token sees, in order of their positions.</summary>
    private static ReadOnlySpan<long> Slots(in Launch launch, long token)
    {
        (Tensor qSeq, Tensor qPos, Tensor kvStart, Tensor pages) =
            (launch.Operands[3], launch.Operands[4], launch.Operands[6], launch.Operands[7]);
        (long page, long window) = (launch.Attributes.Int64("page"), launch.Attributes.Int64("window"));
        long entries = launch.Operands[KvSlot].Dims[0];
        long sequence = launch.Index(qSeq, qSeq.Item(token), pages.Dims[0], "q_seq");
        long start = launch.Index(kvStart, kvStart.Item(sequence), entries + 1, "kv_start");
        long end = launch.Index(kvStart, kvStart.Item(sequence + 1), entries + 1, "kv_start");
        long position = launch.Index(qPos, qPos.Item(token), end - start, "q_pos");
        long first = window == 0 ? 0 : Math.Max(0, position - window + 1);
        if (position / page >= pages.Dims[1])
        {
            launch.Refuse($"position {position} lies beyond the {pages.Dims[1]} pages of {page} entries of a sequence");
        }

        Span<long> slots = launch.Scratch.Integers(position - first + 1);
        for (long i = first; i <= position; i++)
        {
            long at = (sequence * pages.Strides[0]) + (i / page * pages.Strides[1]);
            long number = launch.Index(pages, at, launch.Operands[1].Dims[0] / page, "page_table");
            slots[(int)(i - first)] = (number * page) + (i % page);
        }

        return slots;
    }

    /// <summary>All query heads of a token that share one head of K and V.</summary>
    private static void Attend(in Launch launch, long token, long kvHead, ReadOnlySpan<long> slots)
    {
        (Tensor q, Tensor k, Tensor v, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Operands[2], launch.Results[0]);
        double scale = launch.Attributes.Float64("scale");
        (int width, int group, int entries) = (q.Width, (int)(q.Dims[1] / k.Dims[1]), slots.Length);
        Span<double> queries = launch.Scratch.Doubles(0, group * width);
        Span<double> weights = launch.Scratch.Doubles(1, (long)group * entries);
        Span<double> sums = launch.Scratch.Doubles(2, group * width);
        Span<double> entry = launch.Scratch.Doubles(3, width);
        long firstRow = (token * q.Dims[1]) + (kvHead * group);
        for (int h = 0; h < group; h++)
        {
            q.Read(q.Row(firstRow + h), queries.Slice(h * width, width));
        }

        for (int i = 0; i < entries; i++)
        {
            k.Read((slots[i] * k.Strides[0]) + (kvHead * k.Strides[1]), entry);
            for (int h = 0; h < group; h++)
            {
                weights[(h * entries) + i] = scale * Rows.Dot(queries.Slice(h * width, width), entry);
            }
        }

        for (int h = 0; h < group; h++)
        {
            Rows.Softmax(weights.Slice(h * entries, entries));
        }

        sums.Clear();
        for (int i = 0; i < entries; i++)
        {
            v.Read((slots[i] * v.Strides[0]) + (kvHead * v.Strides[1]), entry);
            for (int h = 0; h < group; h++)
            {
                Rows.AddScaled(sums.Slice(h * width, width), weights[(h * entries) + i], entry);
            }
        }

        for (int h = 0; h < group; h++)
        {
            result.Write(result.Row(firstRow + h), sums.Slice(h * width, width));
        }
    }
}
