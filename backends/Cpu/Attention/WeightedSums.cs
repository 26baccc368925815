using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// Sums of entries of v by the weights of rows. Scalar equivalent: y[r, d] += p[r, e] v[e, d], e in order. Lanes run over d.
/// <para>Tiles of four rows and four vectors of columns (16 accumulators, 4 loads and 4 broadcasts for 16 multiply-adds) where there are
/// 32 registers, else of two rows.</para>
/// </summary>
internal static unsafe class WeightedSums<T>
    where T : struct, ISimd<T>
{
    /// <summary>Adds entries to rows, four, two or one.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="p">Weights, a chunk for each row.</param>
    /// <param name="v">Entries.</param>
    /// <param name="step">Bytes from an entry to the next.</param>
    /// <param name="columns">Columns of an entry, a multiple of four vectors.</param>
    /// <param name="entries">Number of entries.</param>
    /// <param name="y">Sums.</param>
    /// <param name="stride">Floats from a row's sums to the next's.</param>
    public static void Add<TElement>(int rows, float* p, byte* v, long step, long columns, int entries, float* y, long stride)
        where TElement : struct, IKvElement
    {
        for (long c = 0; c < columns; c += AttentionLayout.ColumnVectors * T.Count, v += AttentionLayout.ColumnVectors * T.Count * TElement.Size)
        {
            if (rows == 4)
            {
                FourRows<TElement>(p, v, step, entries, y + c, stride);
            }
            else if (rows == 2)
            {
                TwoRows<TElement>(p, v, step, entries, y + c, stride);
            }
            else
            {
                OneRow<TElement>(p, v, step, entries, y + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows<TElement>(float* p, byte* v, long step, int entries, float* y, long stride)
        where TElement : struct, IKvElement
    {
        float* y1 = y + stride, y2 = y1 + stride, y3 = y2 + stride;
        T a0 = T.Load(y), a1 = T.Load(y + T.Count), a2 = T.Load(y + (2 * T.Count)), a3 = T.Load(y + (3 * T.Count));
        T b0 = T.Load(y1), b1 = T.Load(y1 + T.Count), b2 = T.Load(y1 + (2 * T.Count)), b3 = T.Load(y1 + (3 * T.Count));
        T c0 = T.Load(y2), c1 = T.Load(y2 + T.Count), c2 = T.Load(y2 + (2 * T.Count)), c3 = T.Load(y2 + (3 * T.Count));
        T d0 = T.Load(y3), d1 = T.Load(y3 + T.Count), d2 = T.Load(y3 + (2 * T.Count)), d3 = T.Load(y3 + (3 * T.Count));
        for (float* end = p + entries; p < end; p++, v += step)
        {
            T x0 = Column<TElement>(v, 0), x1 = Column<TElement>(v, 1), x2 = Column<TElement>(v, 2), x3 = Column<TElement>(v, 3);
            T weight = T.Create(p[0]);
            a0 = T.MultiplyAdd(weight, x0, a0);
            a1 = T.MultiplyAdd(weight, x1, a1);
            a2 = T.MultiplyAdd(weight, x2, a2);
            a3 = T.MultiplyAdd(weight, x3, a3);
            weight = T.Create(p[AttentionShape.Chunk]);
            b0 = T.MultiplyAdd(weight, x0, b0);
            b1 = T.MultiplyAdd(weight, x1, b1);
            b2 = T.MultiplyAdd(weight, x2, b2);
            b3 = T.MultiplyAdd(weight, x3, b3);
            weight = T.Create(p[2 * AttentionShape.Chunk]);
            c0 = T.MultiplyAdd(weight, x0, c0);
            c1 = T.MultiplyAdd(weight, x1, c1);
            c2 = T.MultiplyAdd(weight, x2, c2);
            c3 = T.MultiplyAdd(weight, x3, c3);
            weight = T.Create(p[3 * AttentionShape.Chunk]);
            d0 = T.MultiplyAdd(weight, x0, d0);
            d1 = T.MultiplyAdd(weight, x1, d1);
            d2 = T.MultiplyAdd(weight, x2, d2);
            d3 = T.MultiplyAdd(weight, x3, d3);
        }

        Store(y, a0, a1, a2, a3);
        Store(y1, b0, b1, b2, b3);
        Store(y2, c0, c1, c2, c3);
        Store(y3, d0, d1, d2, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows<TElement>(float* p, byte* v, long step, int entries, float* y, long stride)
        where TElement : struct, IKvElement
    {
        float* y1 = y + stride;
        T a0 = T.Load(y), a1 = T.Load(y + T.Count), a2 = T.Load(y + (2 * T.Count)), a3 = T.Load(y + (3 * T.Count));
        T b0 = T.Load(y1), b1 = T.Load(y1 + T.Count), b2 = T.Load(y1 + (2 * T.Count)), b3 = T.Load(y1 + (3 * T.Count));
        for (float* end = p + entries; p < end; p++, v += step)
        {
            T first = T.Create(p[0]), second = T.Create(p[AttentionShape.Chunk]);
            T x = Column<TElement>(v, 0);
            a0 = T.MultiplyAdd(first, x, a0);
            b0 = T.MultiplyAdd(second, x, b0);
            x = Column<TElement>(v, 1);
            a1 = T.MultiplyAdd(first, x, a1);
            b1 = T.MultiplyAdd(second, x, b1);
            x = Column<TElement>(v, 2);
            a2 = T.MultiplyAdd(first, x, a2);
            b2 = T.MultiplyAdd(second, x, b2);
            x = Column<TElement>(v, 3);
            a3 = T.MultiplyAdd(first, x, a3);
            b3 = T.MultiplyAdd(second, x, b3);
        }

        Store(y, a0, a1, a2, a3);
        Store(y1, b0, b1, b2, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow<TElement>(float* p, byte* v, long step, int entries, float* y)
        where TElement : struct, IKvElement
    {
        T a0 = T.Load(y), a1 = T.Load(y + T.Count), a2 = T.Load(y + (2 * T.Count)), a3 = T.Load(y + (3 * T.Count));
        for (float* end = p + entries; p < end; p++, v += step)
        {
            T weight = T.Create(p[0]);
            a0 = T.MultiplyAdd(weight, Column<TElement>(v, 0), a0);
            a1 = T.MultiplyAdd(weight, Column<TElement>(v, 1), a1);
            a2 = T.MultiplyAdd(weight, Column<TElement>(v, 2), a2);
            a3 = T.MultiplyAdd(weight, Column<TElement>(v, 3), a3);
        }

        Store(y, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Column<TElement>(byte* v, int vector)
        where TElement : struct, IKvElement => TElement.Load<T>(v + (vector * T.Count * TElement.Size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, T x0, T x1, T x2, T x3)
    {
        T.Store(y, x0);
        T.Store(y + T.Count, x1);
        T.Store(y + (2 * T.Count), x2);
        T.Store(y + (3 * T.Count), x3);
    }
}
