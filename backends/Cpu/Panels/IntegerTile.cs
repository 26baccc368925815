using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Where the codes, steps and mins of one vector of columns begin, and what all tiles of a product share.</summary>
[StructLayout(LayoutKind.Auto)]
internal unsafe struct TileColumns
{
    public byte* Codes;
    public byte* High;
    public float* Steps;

    /// <summary>Null unless the type has them.</summary>
    public float* Mins;
}

/// <summary>
/// Integer products of one vector of columns by four rows, or by one: eight vectors of sums (a and b of each row), two of codes, one of
/// activations, four of results: 15 registers. Scalar equivalent: <see cref="PanelProduct"/>.
/// </summary>
internal static unsafe class IntegerTile<T, F, TBlock>
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
    where TBlock : struct, ICodeBlock
{
    /// <summary>Rows of <see cref="Four"/>.</summary>
    public const int Rows = 4;

    /// <param name="columns">The columns.</param>
    /// <param name="x">Record of the first row.</param>
    /// <param name="record">Bytes from one record to the next.</param>
    /// <param name="length">K.</param>
    /// <param name="y">Results of the columns.</param>
    /// <param name="yStride">Bytes from one row of them to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(in TileColumns columns, byte* x, long record, long length, byte* y, long yStride)
    {
        byte* codes = columns.Codes, high = columns.High;
        float* steps = columns.Steps, mins = columns.Mins;
        byte* scale = x + length, sum = Sums(x, length);
        long record3 = 3 * record;
        F f0 = F.Zero, f1 = f0, f2 = f0, f3 = f0;
        for (long group = 0; group < length / 32 * TBlock.Groups; group++)
        {
            int half = TBlock.Groups == 2 ? (int)group & 1 : 0;
            T a0 = T.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (long step = 0; step < TBlock.Steps; step++)
            {
                T a = TBlock.A<T, F>(codes, high, half, step), b = TBlock.B<T, F>(codes, high, half, step);
                byte* at = x + (4 * step);
                T v = T.Broadcast(at);
                a0 = T.MultiplyA(a0, a, v);
                b0 = Second(b0, b, v, at);
                v = T.Broadcast(at + record);
                a1 = T.MultiplyA(a1, a, v);
                b1 = Second(b1, b, v, at + record);
                v = T.Broadcast(at + (2 * record));
                a2 = T.MultiplyA(a2, a, v);
                b2 = Second(b2, b, v, at + (2 * record));
                v = T.Broadcast(at + record3);
                a3 = T.MultiplyA(a3, a, v);
                b3 = Second(b3, b, v, at + record3);
            }

            F value = F.Load(steps);
            f0 = Add(f0, a0, b0, value, scale, sum);
            f1 = Add(f1, a1, b1, value, scale + record, sum + record);
            f2 = Add(f2, a2, b2, value, scale + (2 * record), sum + (2 * record));
            f3 = Add(f3, a3, b3, value, scale + record3, sum + record3);
            if (TBlock.HasMins)
            {
                F min = F.Create(-0f) - F.Load(mins);
                byte* shift = scale + (length / 32 * sizeof(float));
                f0 = F.MultiplyAdd(min, F.Create(*(float*)shift), f0);
                f1 = F.MultiplyAdd(min, F.Create(*(float*)(shift + record)), f1);
                f2 = F.MultiplyAdd(min, F.Create(*(float*)(shift + (2 * record))), f2);
                f3 = F.MultiplyAdd(min, F.Create(*(float*)(shift + record3)), f3);
                mins += PanelLayout.Columns;
            }

            steps += PanelLayout.Columns;
            sum += sizeof(int);
            x += 32 / TBlock.Groups;
            if (TBlock.Groups == 1 || half == 1)
            {
                codes += TBlock.Bytes;
                high += TBlock.HighBytes;
                scale += sizeof(float);
            }
        }

        F.Store((float*)y, f0);
        F.Store((float*)(y + yStride), f1);
        F.Store((float*)(y + (2 * yStride)), f2);
        F.Store((float*)(y + (3 * yStride)), f3);
    }

    /// <summary>As <see cref="Four"/>, with the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(in TileColumns columns, byte* x, long length, byte* y)
    {
        byte* codes = columns.Codes, high = columns.High;
        float* steps = columns.Steps, mins = columns.Mins;
        byte* scale = x + length, sum = Sums(x, length);
        F f = F.Zero;
        for (long block = 0; block < length / 32; block++)
        {
            T sumsA = T.Zero, sumsB = T.Zero;
            Group(ref sumsA, ref sumsB, codes, high, 0, x);
            f = Add(f, sumsA, sumsB, F.Load(steps), scale, sum);
            if (TBlock.Groups == 2)
            {
                (sumsA, sumsB) = (T.Zero, T.Zero);
                Group(ref sumsA, ref sumsB, codes, high, 1, x + 16);
                f = Add(f, sumsA, sumsB, F.Load(steps + PanelLayout.Columns), scale, sum + sizeof(int));
            }

            if (TBlock.HasMins)
            {
                f = F.MultiplyAdd(F.Create(-0f) - F.Load(mins), F.Create(*(float*)(scale + (length / 32 * sizeof(float)))), f);
                mins += PanelLayout.Columns;
            }

            steps += TBlock.Groups * PanelLayout.Columns;
            sum += TBlock.Groups * sizeof(int);
            x += 32;
            codes += TBlock.Bytes;
            high += TBlock.HighBytes;
            scale += sizeof(float);
        }

        F.Store((float*)y, f);
    }

    /// <summary>
    /// All steps of a group for one row: written out where shifts depend on the step, which makes them constants; else a loop is faster.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Group(ref T a, ref T b, byte* codes, byte* high, int half, byte* x)
    {
        if (TBlock.Groups == 2)
        {
            Step(ref a, ref b, codes, high, half, 0, x);
            Step(ref a, ref b, codes, high, half, 1, x);
            Step(ref a, ref b, codes, high, half, 2, x);
            Step(ref a, ref b, codes, high, half, 3, x);
            return;
        }

        for (long step = 0; step < TBlock.Steps; step++)
        {
            Step(ref a, ref b, codes, high, half, step, x);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ref T a, ref T b, byte* codes, byte* high, int half, long step, byte* x)
    {
        T v = T.Broadcast(x + (4 * step));
        a = T.MultiplyA(a, TBlock.A<T, F>(codes, high, half, step), v);
        b = Second(b, TBlock.B<T, F>(codes, high, half, step), v, x + (4 * step));
    }

    private static byte* Sums(byte* x, long length) =>
        x + (TBlock.Groups == 2 ? ActivationRows.Sums16Offset(length) : ActivationRows.Sums32Offset(length));

    /// <summary>The second vector of a step, times the quad of activations that is its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Second(T sums, T b, T x, byte* at) =>
        TBlock.IsPair ? T.MultiplyA(sums, b, T.Broadcast(at + 16)) : T.MultiplyB(sums, b, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Add(F f, T a, T b, F step, byte* scale, byte* sum)
    {
        T dot = TBlock.IsPair ? T.SumOfNibbles(a, b) : T.Sum(a, b);
        dot = TBlock.OffsetLog2 == 0 ? dot : T.AddShifted(dot, T.Broadcast(sum), TBlock.OffsetLog2);
        return F.MultiplyAdd(T.ToSingle(dot), step * F.Create(*(float*)scale), f);
    }
}
