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

    /// <summary>The products of some rows, four, two or one, with entries.</summary>
    public static void Rows(int rows, float* q, float* k, long length, int entries, float* to)
    {
        for (int e = 0; e < entries; e += Entries, k += Entries * length, to += Entries)
        {
            if (rows == 4)
            {
                FourRows(q, k, length, to);
            }
            else if (rows == 2)
            {
                TwoRows(q, k, length, to);
            }
            else
            {
                OneRow(q, k, length, to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* q, float* k, long length, float* to)
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero, b0 = T.Zero, b1 = T.Zero, b2 = T.Zero, b3 = T.Zero;
        T c0 = T.Zero, c1 = T.Zero, c2 = T.Zero, c3 = T.Zero, d0 = T.Zero, d1 = T.Zero, d2 = T.Zero, d3 = T.Zero;
        float* q1 = q + length, q2 = q1 + length, q3 = q2 + length;
        float* k1 = k + length, k2 = k1 + length, k3 = k2 + length;
        for (long i = 0; i < length; i += T.Count)
        {
            T x0 = T.Load(k + i), x1 = T.Load(k1 + i), x2 = T.Load(k2 + i), x3 = T.Load(k3 + i);
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
    private static void TwoRows(float* q, float* k, long length, float* to)
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero, b0 = T.Zero, b1 = T.Zero, b2 = T.Zero, b3 = T.Zero;
        float* q1 = q + length;
        float* k1 = k + length, k2 = k1 + length, k3 = k2 + length;
        for (long i = 0; i < length; i += T.Count)
        {
            T first = T.Load(q + i), second = T.Load(q1 + i);
            T x = T.Load(k + i);
            a0 = T.MultiplyAdd(first, x, a0);
            b0 = T.MultiplyAdd(second, x, b0);
            x = T.Load(k1 + i);
            a1 = T.MultiplyAdd(first, x, a1);
            b1 = T.MultiplyAdd(second, x, b1);
            x = T.Load(k2 + i);
            a2 = T.MultiplyAdd(first, x, a2);
            b2 = T.MultiplyAdd(second, x, b2);
            x = T.Load(k3 + i);
            a3 = T.MultiplyAdd(first, x, a3);
            b3 = T.MultiplyAdd(second, x, b3);
        }

        T.StoreSums(a0, a1, a2, a3, to);
        T.StoreSums(b0, b1, b2, b3, to + AttentionShape.Chunk);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(float* q, float* k, long length, float* to)
    {
        T a0 = T.Zero, a1 = T.Zero, a2 = T.Zero, a3 = T.Zero;
        float* k1 = k + length, k2 = k1 + length, k3 = k2 + length;
        for (long i = 0; i < length; i += T.Count)
        {
            T row = T.Load(q + i);
            a0 = T.MultiplyAdd(row, T.Load(k + i), a0);
            a1 = T.MultiplyAdd(row, T.Load(k1 + i), a1);
            a2 = T.MultiplyAdd(row, T.Load(k2 + i), a2);
            a3 = T.MultiplyAdd(row, T.Load(k3 + i), a3);
        }

        T.StoreSums(a0, a1, a2, a3, to);
    }
}
