using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>Entries of K or V as f32: to[h, e, d] = pool[slot of e, h, d] for heads and entries that lie side by side.</summary>
internal static unsafe class KvRows<T>
    where T : struct, ISimd<T>
{
    /// <summary>Widens entries.</summary>
    /// <param name="shape">Shape.</param>
    /// <param name="pool">K or V.</param>
    /// <param name="pages">The sequence's pages.</param>
    /// <param name="first">Position of the first entry.</param>
    /// <param name="count">Number of entries.</param>
    /// <param name="head">The first kv head.</param>
    /// <param name="heads">Number of kv heads.</param>
    /// <param name="to">Where to.</param>
    public static void Load(AttentionShape shape, byte* pool, int* pages, long first, int count, int head, int heads, KvTarget to)
    {
        switch (shape.State)
        {
            case ElementType.F32:
                Load<KvElements<KvF32>>(shape, pool, pages, first, count, head, heads, to);
                break;
            case ElementType.F16:
                Load<KvElements<KvF16>>(shape, pool, pages, first, count, head, heads, to);
                break;
            case ElementType.BF16:
                Load<KvElements<KvBF16>>(shape, pool, pages, first, count, head, heads, to);
                break;
            case ElementType.Q8_0:
                Load<KvQ8_0>(shape, pool, pages, first, count, head, heads, to);
                break;
            default:
                throw new ArgumentException($"no state is {shape.State.Name()}");
        }
    }

    /// <summary>The pool is read in the order in which it lies: entry by entry, all heads of an entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<TFormat>(
        AttentionShape shape, byte* pool, int* pages, long first, int count, int head, int heads, KvTarget to)
        where TFormat : struct, IKvFormat
    {
        long length = shape.HeadDim;
        long headBytes = TFormat.Bytes(length);
        long slotBytes = headBytes * shape.KvHeads;
        (long page, long place) = Math.DivRem(first, shape.Page);
        for (int e = 0; e < count; e++)
        {
            byte* from = pool + (((pages[page] * shape.Page) + place) * slotBytes) + (head * headBytes);
            float* row = to.Data + (e * to.Row);
            for (int h = 0; h < heads; h++, from += headBytes, row += to.Head)
            {
                TFormat.Widen<T>(from, length, row);
            }

            (page, place) = place + 1 == shape.Page ? (page + 1, 0) : (page, place + 1);
        }
    }
}

/// <summary>Where widened entries go: an address, and the floats from a row to the next and from a head to the next.</summary>
internal readonly unsafe struct KvTarget(float* data, long row, long head)
{
    public readonly float* Data = data;
    public readonly long Row = row;
    public readonly long Head = head;
}
