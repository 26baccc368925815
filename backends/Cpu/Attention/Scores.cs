using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// Products of rows of q with entries of k. Scalar equivalent: to[r, e] = sum over d of q[r, d] k[e, d]. Lanes run over d, one
/// accumulator for each product, whose lanes are added up in a fixed order: the tile that a product falls into changes no bit.
/// <para>Tiles of four rows and four entries (16 accumulators, 8 loads for 16 multiply-adds) where there are 32 registers, else of two
/// rows.</para>
/// </summary>
internal static unsafe class Scores<T>
    where T : struct, ISimd<T>
{
    /// <summary>Entries of a tile; the rows of k must be there up to a multiple of it.</summary>
    public const int Entries = 4;

    /// <summary>The products of some rows, four, two or one, with entries that are so many bytes apart.</summary>
    public static void Rows<TElement>(int rows, float* q, byte* k, long stride, long length, int entries, float* to)
        where TElement : struct, IKvElement
    {
        for (int e = 0; e < entries; e += Entries, k += Entries * stride, to += Entries)
        {
            if (rows == 4)
            {
                FourRows<TElement>(q, k, stride, length, to);
            }
            else if (rows == 2)
            {
                TwoRows<TElement>(q, k, stride, length, to);
            }
            else
            {
                OneRow<TElement>(q, k, stride, length, to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows<TElement>(float* q, byte* k, long stride, long length, float* to)
        where TElement : struct, IKvElement
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero, b0 = T.Zero, b1 = T.Zero, b2 = T.Zero, b3 = T.Zero;
        T c0 = T.Zero, c1 = T.Zero, c2 = T.Zero, c3 = T.Zero, d0 = T.Zero, d1 = T.Zero, d2 = T.Zero, d3 = T.Zero;
        float* q1 = q + length, q2 = q1 + length, q3 = q2 + length;
        byte* k1 = k + stride, k2 = k1 + stride, k3 = k2 + stride;
        for (long i = 0, at = 0; i < length; i += T.Count, at += T.Count * TElement.Size)
        {
            T x0 = TElement.Load<T>(k + at), x1 = TElement.Load<T>(k1 + at), x2 = TElement.Load<T>(k2 + at), x3 = TElement.Load<T>(k3 + at);
            T row = T.Load(q + i);
            a0 = T.MultiplyAdd(row, x0, a0);
            a1 = T.MultiplyAdd(row, x1, a1);
            a2 = T.MultiplyAdd(row, x2, a2);
            a3 = T.MultiplyAdd(row, x3, a3);
            row = T.Load(q1 + i);
            b0 = T.MultiplyAdd(row, x0, b0);
            b1 = T.MultiplyAdd(row, x1, b1);
            b2 = T.MultiplyAdd(row, x2, b2);
            b3 = T.MultiplyAdd(row, x3, b3);
            row = T.Load(q2 + i);
            c0 = T.MultiplyAdd(row, x0, c0);
            c1 = T.MultiplyAdd(row, x1, c1);
            c2 = T.MultiplyAdd(row, x2, c2);
            c3 = T.MultiplyAdd(row, x3, c3);
            row = T.Load(q3 + i);
            d0 = T.MultiplyAdd(row, x0, d0);
            d1 = T.MultiplyAdd(row, x1, d1);
            d2 = T.MultiplyAdd(row, x2, d2);
            d3 = T.MultiplyAdd(row, x3, d3);
        }

        T.StoreSums(a0, a1, a2, a3, to);
        T.StoreSums(b0, b1, b2, b3, to + AttentionShape.Chunk);
        T.StoreSums(c0, c1, c2, c3, to + (2 * AttentionShape.Chunk));
        T.StoreSums(d0, d1, d2, d3, to + (3 * AttentionShape.Chunk));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows<TElement>(float* q, byte* k, long stride, long length, float* to)
        where TElement : struct, IKvElement
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero, b0 = T.Zero, b1 = T.Zero, b2 = T.Zero, b3 = T.Zero;
        float* q1 = q + length;
        byte* k1 = k + stride, k2 = k1 + stride, k3 = k2 + stride;
        for (long i = 0, at = 0; i < length; i += T.Count, at += T.Count * TElement.Size)
        {
            T first = T.Load(q + i), second = T.Load(q1 + i);
            T x = TElement.Load<T>(k + at);
            a0 = T.MultiplyAdd(first, x, a0);
            b0 = T.MultiplyAdd(second, x, b0);
            x = TElement.Load<T>(k1 + at);
            a1 = T.MultiplyAdd(first, x, a1);
            b1 = T.MultiplyAdd(second, x, b1);
            x = TElement.Load<T>(k2 + at);
            a2 = T.MultiplyAdd(first, x, a2);
            b2 = T.MultiplyAdd(second, x, b2);
            x = TElement.Load<T>(k3 + at);
            a3 = T.MultiplyAdd(first, x, a3);
            b3 = T.MultiplyAdd(second, x, b3);
        }

        T.StoreSums(a0, a1, a2, a3, to);
        T.StoreSums(b0, b1, b2, b3, to + AttentionShape.Chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<TElement>(float* q, byte* k, long stride, long length, float* to)
        where TElement : struct, IKvElement
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero;
        byte* k1 = k + stride, k2 = k1 + stride, k3 = k2 + stride;
        for (long i = 0, at = 0; i < length; i += T.Count, at += T.Count * TElement.Size)
        {
            T row = T.Load(q + i);
            a0 = T.MultiplyAdd(row, TElement.Load<T>(k + at), a0);
            a1 = T.MultiplyAdd(row, TElement.Load<T>(k1 + at), a1);
            a2 = T.MultiplyAdd(row, TElement.Load<T>(k2 + at), a2);
            a3 = T.MultiplyAdd(row, TElement.Load<T>(k3 + at), a3);
        }

        T.StoreSums(a0, a1, a2, a3, to);
    }
}
