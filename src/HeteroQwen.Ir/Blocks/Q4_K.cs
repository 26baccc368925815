using System.Runtime.Intrinsics;

namespace HeteroQwen.Ir;

/// <summary>
/// Q4_K: 256 elements in 144 bytes, eight groups of 32. In group g: x = (d * scale[g]) * q - dmin * min[g], q from 0 to 15, scale and min
/// from 0 to 63.
/// <code>
/// byte  0 .. 1   2 .. 3      4 .. 15             16 .. 143
///       d: f16   dmin: f16   s: scales, minima   four runs of 32 bytes: of run r, byte i holds element i of group 2 r in
///                                                its low half, and of group 2 r + 1 in its high half
///
/// s     bits 7 6             bits 5 .. 0         (g = 0 .. 3)
/// g     scale[g + 4] >> 4    scale[g]
/// g+4   min[g + 4] >> 4      min[g]
///       bits 7 .. 4          bits 3 .. 0
/// g+8   min[g + 4] &amp; 15    scale[g + 4] &amp; 15
/// </code>
/// </summary>
public static class Q4_K
{
    private const int Elements = 256;
    private const int Bytes = 144;
    private const int Group = 32;
    private const int Groups = Elements / Group;
    private const int MostLevel = 15;
    private const int MostScale = 63;

    /// <summary>Steps tried for each group: the range of its values over 14.0, 14.1 .. 16.0 levels.</summary>
    private const int Candidates = 21;

    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        BlockFormats.RequireBlocks(ElementType.Q4_K, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float d = BlockFormats.Half(blocks);
            float dmin = BlockFormats.Half(blocks[2..]);
            for (int g = 0; g < Groups; g++)
            {
                (int scale, int min) = ScaleAndMin(blocks[4..], g);
                float step = d * scale;
                float shift = dmin * min;
                ReadOnlySpan<byte> run = blocks.Slice(16 + (g / 2 * Group), Group);
                for (int i = 0; i < Group; i++)
                {
                    float scaled = step * ((run[i] >> (g % 2 * 4)) & 0xF);
                    values[(g * Group) + i] = scaled - shift;
                }
            }
        }
    }

    private static (int Scale, int Min) ScaleAndMin(ReadOnlySpan<byte> s, int g) => g < 4
        ? (s[g] & 63, s[g + 4] & 63)
        : ((s[g + 4] & 0xF) | (s[g - 4] >> 6 << 4), (s[g + 4] >> 4) | (s[g] >> 6 << 4));
    /// <summary>
    /// In each group, x = step q - shift with shift not negative is fitted by least squares, each x weighing rms(x) + |x| (large weights
    /// matter more), to the levels that each of several first steps gives; the fit of least error wins. The largest step and shift make
    /// d and dmin; last, each q is the nearest level of the scales as they are held.
    /// </summary>
    /// <remarks>A d or dmin that overflows f16 is held as an infinity, which the block's values show.</remarks>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Quantize(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        BlockFormats.RequireBlocks(ElementType.Q4_K, blocks.Length, values.Length);
        Span<float> steps = stackalloc float[Groups];
        Span<float> shifts = stackalloc float[Groups];
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            (float mostStep, float mostShift) = (0, 0);
            for (int g = 0; g < Groups; g++)
            {
                (steps[g], shifts[g]) = Fit(values.Slice(g * Group, Group));
                mostStep = MathF.Max(mostStep, steps[g]);
                mostShift = MathF.Max(mostShift, shifts[g]);
            }

            float d = BlockFormats.Hold(mostStep / MostScale, blocks);
            float dmin = BlockFormats.Hold(mostShift / MostScale, blocks[2..]);
            blocks[4..Bytes].Clear();
            for (int g = 0; g < Groups; g++)
            {
                int scale = Scale(steps[g], d);
                int min = Scale(shifts[g], dmin);
                PutScaleAndMin(blocks[4..], g, scale, min);
                PutLevels(values.Slice(g * Group, Group), d * scale, dmin * min, blocks.Slice(16 + (g / 2 * Group), Group), g % 2 * 4);
            }
        }
    }

    private static int Scale(float value, float unit) =>
        Math.Clamp((int)MathF.Round(value * BlockFormats.Inverse(unit)), 0, MostScale);

    private static void PutScaleAndMin(Span<byte> s, int g, int scale, int min)
    {
        if (g < 4)
        {
            s[g] |= (byte)scale;
            s[g + 4] |= (byte)min;
            return;
        }

        s[g - 4] |= (byte)(scale >> 4 << 6);
        s[g] |= (byte)(min >> 4 << 6);
        s[g + 4] = (byte)((scale & 0xF) | ((min & 0xF) << 4));
    }

    private static void PutLevels(ReadOnlySpan<float> values, float step, float shift, Span<byte> run, int at)
    {
        float inverse = BlockFormats.Inverse(step);
        for (int i = 0; i < Group; i++)
        {
            run[i] |= (byte)(Math.Clamp((int)MathF.Round((values[i] + shift) * inverse), 0, MostLevel) << at);
        }
    }

    /// <summary>The step and the shift of a group.</summary>
    private static (float Step, float Shift) Fit(ReadOnlySpan<float> x)
    {
        (float least, float most, float squares) = (0, x[0], 0);
        foreach (float value in x)
        {
            least = MathF.Min(least, value);
            most = MathF.Max(most, value);
            squares += value * value;
        }

        if (most <= least)
        {
            return (0, -least);
        }

        Weighted group = new(x, MathF.Sqrt(squares / Group));
        (float step, float shift) = ((most - least) / MostLevel, -least);
        float error = group.Error(group.Levels(-least, 1 / step), step, shift);
        for (int i = 0; i < Candidates; i++)
        {
            float levels = MostLevel - 1 + (0.1f * i);
            Lanes q = group.Levels(shift, levels / (most + shift));
            (float s, float m) = group.Solve(q);
            if (group.Error(q, s, m) is var e && e < error)
            {
                (step, shift, error) = (s, m, e);
            }
        }

        return (step, shift);
    }

    /// <summary>The 32 numbers of a group.</summary>
    private readonly record struct Lanes(Vector256<float> A, Vector256<float> B, Vector256<float> C, Vector256<float> D)
    {
        public Lanes(ReadOnlySpan<float> x)
            : this(Vector256.Create(x), Vector256.Create(x[8..]), Vector256.Create(x[16..]), Vector256.Create(x[24..]))
        {
        }

        public static Lanes operator *(Lanes x, Lanes y) => new(x.A * y.A, x.B * y.B, x.C * y.C, x.D * y.D);

        public float Sum() => BlockFormats.Sum(A + B + (C + D));
    }

    /// <summary>A group's values, and how much each counts.</summary>
    private readonly struct Weighted
    {
        private readonly Lanes _x;
        private readonly Lanes _w;
        private readonly Lanes _wx;
        private readonly float _sumW;
        private readonly float _sumWx;

        public Weighted(ReadOnlySpan<float> x, float rms)
        {
            _x = new Lanes(x);
            Vector256<float> mean = Vector256.Create(rms);
            _w = new Lanes(
                mean + Vector256.Abs(_x.A), mean + Vector256.Abs(_x.B), mean + Vector256.Abs(_x.C), mean + Vector256.Abs(_x.D));
            _wx = _w * _x;
            (_sumW, _sumWx) = (_w.Sum(), _wx.Sum());
        }

        /// <summary>The levels nearest to (x + shift) * inverse.</summary>
        public Lanes Levels(float shift, float inverse)
        {
            Vector256<float> most = Vector256.Create((float)MostLevel);
            Vector256<float> m = Vector256.Create(shift);
            Vector256<float> Nearest(Vector256<float> x) =>
                Vector256.Min(Vector256.Max(Vector256.Round((x + m) * inverse), Vector256<float>.Zero), most);
            return new Lanes(Nearest(_x.A), Nearest(_x.B), Nearest(_x.C), Nearest(_x.D));
        }

        /// <summary>The step and the shift that fit these levels best.</summary>
        public (float Step, float Shift) Solve(Lanes q)
        {
            Lanes wq = _w * q;
            (float sumQ, float sumQq, float sumQx) = (wq.Sum(), (wq * q).Sum(), (_wx * q).Sum());
            float determinant = (_sumW * sumQq) - (sumQ * sumQ);
            float step = ((_sumW * sumQx) - (_sumWx * sumQ)) / determinant;
            float shift = ((sumQ * sumQx) - (sumQq * _sumWx)) / determinant;
            return shift < 0 ? (sumQx / sumQq, 0) : (step, shift);
        }

        /// <summary>The weighted sum of squares of step q - shift - x; NaN where the fit has failed.</summary>
        public float Error(Lanes q, float step, float shift)
        {
            Vector256<float> m = Vector256.Create(shift);
            Vector256<float> Square(Vector256<float> q, Vector256<float> x)
            {
                Vector256<float> off = (q * step) - m - x;
                return off * off;
            }

            Lanes squares = new(Square(q.A, _x.A), Square(q.B, _x.B), Square(q.C, _x.C), Square(q.D, _x.D));
            return (squares * _w).Sum();
        }
    }
}
