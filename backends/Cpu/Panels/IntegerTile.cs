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

    /// <summary>Bytes from a panel to the one that is read next; 0 where nothing is to be asked for ahead.</summary>
    public long Ahead;

    /// <summary>Those so many columns further on, for which nothing is asked for again.</summary>
    public readonly TileColumns Next(int columns) => new()
    {
        Codes = Codes + (4 * columns), High = High + (4 * columns), Steps = Steps + columns, Mins = Mins + columns,
    };
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

    /// <summary>Bytes of codes from a vector of columns to the one beside it.</summary>
    private static int Apart => 4 * F.Count;

    /// <summary>With two groups in a block the code for two vectors is more than what is inlined into one method.</summary>
    private static bool IsTwo => F.Count < PanelLayout.Columns && TBlock.Groups == 1;

    /// <summary>Columns of <see cref="One"/>: of one vector or two.</summary>
    public static int OneColumns => IsTwo ? 2 * F.Count : F.Count;

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

    /// <summary>
    /// One row by one vector of columns, or by the two that lie side by side where a panel has two or more, with the bits of
    /// <see cref="Four"/>. While a block is multiplied the same block of the panel that follows is asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(in TileColumns columns, byte* x, long length, byte* y)
    {
        byte* codes = columns.Codes, high = columns.High;
        float* steps = columns.Steps, mins = columns.Mins;
        byte* scale = x + length, sum = Sums(x, length);
        long ahead = columns.Ahead;
        F f = F.Zero, g = f;
        for (long block = 0; block < length / 32; block++)
        {
            if (ahead != 0)
            {
                Prefetch(codes + ahead, high + ahead);
            }

            f = Group(f, codes, high, 0, x, steps, scale, sum);
            g = IsTwo ? Group(g, codes + Apart, high + Apart, 0, x, steps + F.Count, scale, sum) : g;
            if (TBlock.Groups == 2)
            {
                steps += PanelLayout.Columns;
                sum += sizeof(int);
                f = Group(f, codes, high, 1, x + 16, steps, scale, sum);
            }

            if (TBlock.HasMins)
            {
                F shift = F.Create(*(float*)(scale + (length / 32 * sizeof(float))));
                f = F.MultiplyAdd(F.Create(-0f) - F.Load(mins), shift, f);
                g = IsTwo ? F.MultiplyAdd(F.Create(-0f) - F.Load(mins + F.Count), shift, g) : g;
                mins += PanelLayout.Columns;
            }

            steps += PanelLayout.Columns;
            sum += sizeof(int);
            x += 32;
            codes += TBlock.Bytes;
            high += TBlock.HighBytes;
            scale += sizeof(float);
        }

        F.Store((float*)y, f);
        if (IsTwo)
        {
            F.Store((float*)y + F.Count, g);
        }
    }

    /// <summary>
    /// A group for one row: its steps are written out where shifts depend on the step, which makes them constants; else a loop is faster.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Group(F f, byte* codes, byte* high, int half, byte* x, float* steps, byte* scale, byte* sum)
    {
        T a = T.Zero, b = a;
        if (TBlock.Groups == 2)
        {
            Step(ref a, ref b, codes, high, half, 0, x);
            Step(ref a, ref b, codes, high, half, 1, x);
            if (TBlock.Steps == 4)
            {
                Step(ref a, ref b, codes, high, half, 2, x);
                Step(ref a, ref b, codes, high, half, 3, x);
            }
        }
        else
        {
            for (long step = 0; step < TBlock.Steps; step++)
            {
                Step(ref a, ref b, codes, high, half, step, x);
            }
        }

        return Add(f, a, b, F.Load(steps), scale, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ref T a, ref T b, byte* codes, byte* high, int half, long step, byte* x)
    {
        T v = T.Broadcast(x + (4 * step));
        a = T.MultiplyA(a, TBlock.A<T, F>(codes, high, half, step), v);
        b = Second(b, TBlock.B<T, F>(codes, high, half, step), v, x + (4 * step));
    }

    /// <summary>
    /// A block of the next panel, to the second cache. A panel is too short for the processor to have found its stream, and what waits
    /// for codes fills its queues before it asks for enough of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* codes, byte* high)
    {
        Prefetching.Lines4(codes);
        if (TBlock.Bytes == 512)
        {
            Prefetching.Lines4(codes + 256);
        }

        if (TBlock.HighBytes == 128)
        {
            Prefetching.Line(high);
            Prefetching.Line(high + 64);
        }
    }

    /// <remarks>A call would cost the registers of the loops.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Sums(byte* x, long length) =>
        x + (TBlock.Groups == 2 ? ActivationRows.Sums16Offset(length) : ActivationRows.Sums32Offset(length));

    /// <summary>The second vector of a step, times the quad of activations that is its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Second(T sums, T b, T x, byte* at) =>
        TBlock.IsPair ? T.MultiplyA(sums, b, T.Broadcast(at + (4 * TBlock.Steps))) : T.MultiplyB(sums, b, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static F Add(F f, T a, T b, F step, byte* scale, byte* sum)
    {
        T dot = !TBlock.IsPair ? T.Sum(a, b) : TBlock.Groups == 2 ? T.SumOfSextets(a, b) : T.SumOfNibbles(a, b);
        dot = TBlock.OffsetLog2 == 0 ? dot : T.AddShifted(dot, T.Broadcast(sum), TBlock.OffsetLog2);
        return F.MultiplyAdd(T.ToSingle(dot), step * F.Create(*(float*)scale), f);
    }
}
