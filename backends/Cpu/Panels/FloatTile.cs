using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Products of f32 activations: two vectors of columns by four rows, eight vectors of results, two of weights, one of activations; or a
/// row alone. Scalar equivalent: y[r, n] = fma(x[r, k], w[k, n], y[r, n]) for k in order, in every tile.
/// </summary>
internal static unsafe class FloatTile<T, F>
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
{
    /// <summary>Rows of <see cref="Four"/>.</summary>
    public const int Rows = 4;

    /// <param name="w">Weights f32[K][16], from the first column on.</param>
    /// <param name="v">The second vector of columns.</param>
    /// <param name="x">Record of the first row.</param>
    /// <param name="record">Bytes from one record to the next.</param>
    /// <param name="padded">K filled up to even.</param>
    /// <param name="y">Results of the first vector of columns.</param>
    /// <param name="z">Results of the second.</param>
    /// <param name="stride">Bytes from one row of results to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(byte* w, byte* v, byte* x, long record, long padded, byte* y, byte* z, long stride)
    {
        F a0 = F.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        long record3 = 3 * record;
        long apart = v - w;
        for (byte* end = x + (padded * sizeof(float)); x < end; x += sizeof(float))
        {
            F a = F.Load((float*)w), b = F.Load((float*)(w + apart));
            F e = F.Create(*(float*)x);
            a0 = F.MultiplyAdd(e, a, a0);
            b0 = F.MultiplyAdd(e, b, b0);
            e = F.Create(*(float*)(x + record));
            a1 = F.MultiplyAdd(e, a, a1);
            b1 = F.MultiplyAdd(e, b, b1);
            e = F.Create(*(float*)(x + (2 * record)));
            a2 = F.MultiplyAdd(e, a, a2);
            b2 = F.MultiplyAdd(e, b, b2);
            e = F.Create(*(float*)(x + record3));
            a3 = F.MultiplyAdd(e, a, a3);
            b3 = F.MultiplyAdd(e, b, b3);
            w += 64;
        }

        F.Store((float*)y, a0);
        F.Store((float*)z, b0);
        F.Store((float*)(y + stride), a1);
        F.Store((float*)(z + stride), b1);
        F.Store((float*)(y + (2 * stride)), a2);
        F.Store((float*)(z + (2 * stride)), b2);
        F.Store((float*)(y + (3 * stride)), a3);
        F.Store((float*)(z + (3 * stride)), b3);
    }

    /// <summary>
    /// One row by one vector of columns, or by the two that lie side by side where a panel has two or more. What lies
    /// <paramref name="ahead"/> is asked for in passing, unless that is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One<TPanel>(byte* w, float* x, long padded, float* y, long ahead)
        where TPanel : struct, IFloatPanel
    {
        bool two = F.Count < PanelLayout.Columns;
        F a = F.Zero, b = a;
        for (float* end = x + padded; x < end; x += 2)
        {
            if (ahead != 0)
            {
                Prefetching.Line(w + ahead);
                if (TPanel.PairBytes == 128)
                {
                    Prefetching.Line(w + ahead + 64);
                }
            }

            F e = F.Create(x[0]), f = F.Create(x[1]);
            a = F.MultiplyAdd(e, TPanel.Even<T, F>(w), a);
            b = two ? F.MultiplyAdd(e, TPanel.Even<T, F>(w + (F.Count * TPanel.ColumnBytes)), b) : b;
            a = F.MultiplyAdd(f, TPanel.Odd<T, F>(w), a);
            b = two ? F.MultiplyAdd(f, TPanel.Odd<T, F>(w + (F.Count * TPanel.ColumnBytes)), b) : b;
            w += TPanel.PairBytes;
        }

        F.Store(y, a);
        if (two)
        {
            F.Store(y + F.Count, b);
        }
    }

    /// <summary>Widens a panel to f32[K][16].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TPanel>(byte* panel, long padded, float* to)
        where TPanel : struct, IFloatPanel
    {
        for (float* end = to + (padded * PanelLayout.Columns); to < end; to += 2 * PanelLayout.Columns)
        {
            for (int c = 0; c < PanelLayout.Columns; c += F.Count)
            {
                F.Store(to + c, TPanel.Even<T, F>(panel + (c * TPanel.ColumnBytes)));
                F.Store(to + c + PanelLayout.Columns, TPanel.Odd<T, F>(panel + (c * TPanel.ColumnBytes)));
            }

            panel += TPanel.PairBytes;
        }
    }
}
