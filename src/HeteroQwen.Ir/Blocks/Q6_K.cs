using System.Runtime.Intrinsics;

namespace HeteroQwen.Ir;

/// <summary>
/// Q6_K: 256 elements in 210 bytes, sixteen groups of 16. In group g: x = (d * scale[g]) * (q - 32), q from 0 to 63, scale an i8.
/// <code>
/// byte  0 .. 127       128 .. 191     192 .. 207             208 .. 209
///       low: q &amp; 15    high: q >> 4   scale: 16 x i8         d: f16
///
/// Each half h of the block (128 elements, 64 bytes of low, 32 of high) has four runs of 32 elements; element i of
/// run   is in the half of low byte   and the bits of high byte
/// 0     64 h + i, low                32 h + i, 1 0
/// 1     64 h + 32 + i, low           32 h + i, 3 2
/// 2     64 h + i, high               32 h + i, 5 4
/// 3     64 h + 32 + i, high          32 h + i, 7 6
/// </code>
/// </summary>
public static class Q6_K
{
    private const int Elements = 256;
    private const int Bytes = 210;
    private const int Run = 32;
    private const int Group = 16;
    private const int Groups = Elements / Group;
    private const int Zero = 32;
    private const int High = 128;
    private const int Scales = 192;
    private const int D = 208;

    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        BlockFormats.RequireBlocks(ElementType.Q6_K, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float d = BlockFormats.Half(blocks[D..]);
            for (int run = 0; run < Elements / Run; run++)
            {
                (int half, int r) = (run / 4, run % 4);
                ReadOnlySpan<byte> low = blocks.Slice((64 * half) + (r % 2 * Run), Run);
                ReadOnlySpan<byte> high = blocks.Slice(High + (Run * half), Run);
                for (int i = 0; i < Run; i++)
                {
                    int q = ((low[i] >> (r / 2 * 4)) & 0xF) | (((high[i] >> (r * 2)) & 3) << 4);
                    float step = d * (sbyte)blocks[Scales + (2 * run) + (i / 16)];
                    values[(run * Run) + i] = step * (q - 32);
                }
            }
        }
    }
    /// <summary>
    /// In each group, x = step (q - 32) is fitted by least squares, each x weighing x * x, to the levels that each of several first steps
    /// gives (the value farthest from 0 at level -31.1, -31.2 .. -32.9 from 32); the fit of least error wins. The step farthest from 0
    /// gets the scale -128 and makes d; last, each q is the nearest level of the scales as they are held.
    /// </summary>
    /// <remarks>A d that overflows f16 is held as an infinity, which the block's values show.</remarks>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Quantize(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        BlockFormats.RequireBlocks(ElementType.Q6_K, blocks.Length, values.Length);
        Span<float> steps = stackalloc float[Groups];
        Span<byte> levels = stackalloc byte[Elements];
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float extreme = 0;
            for (int g = 0; g < Groups; g++)
            {
                steps[g] = Fit(values.Slice(g * Group, Group));
                extreme = MathF.Abs(steps[g]) > MathF.Abs(extreme) ? steps[g] : extreme;
            }

            float d = BlockFormats.Hold(extreme / sbyte.MinValue, blocks[D..]);
            float inverse = BlockFormats.Inverse(d);
            for (int g = 0; g < Groups; g++)
            {
                int scale = Math.Clamp((int)MathF.Round(steps[g] * inverse), sbyte.MinValue, sbyte.MaxValue);
                blocks[Scales + g] = (byte)(sbyte)scale;
                FindLevels(values.Slice(g * Group, Group), d * scale, levels.Slice(g * Group, Group));
            }

            PutLevels(levels, blocks);
        }
    }

    private static void FindLevels(ReadOnlySpan<float> values, float step, Span<byte> levels)
    {
        float inverse = BlockFormats.Inverse(step);
        for (int i = 0; i < Group; i++)
        {
            levels[i] = (byte)(Math.Clamp((int)MathF.Round(values[i] * inverse), -Zero, Zero - 1) + Zero);
        }
    }

    private static void PutLevels(ReadOnlySpan<byte> levels, Span<byte> block)
    {
        for (int half = 0; half < 2; half++, levels = levels[(4 * Run)..])
        {
            for (int i = 0; i < Run; i++)
            {
                (int q0, int q1, int q2, int q3) = (levels[i], levels[Run + i], levels[(2 * Run) + i], levels[(3 * Run) + i]);
                block[(64 * half) + i] = (byte)((q0 & 0xF) | ((q2 & 0xF) << 4));
                block[(64 * half) + Run + i] = (byte)((q1 & 0xF) | ((q3 & 0xF) << 4));
                block[High + (Run * half) + i] = (byte)((q0 >> 4) | (q1 >> 4 << 2) | (q2 >> 4 << 4) | (q3 >> 4 << 6));
            }
        }
    }

    /// <summary>The step of a group, which may be negative.</summary>
    private static float Fit(ReadOnlySpan<float> x)
    {
        float extreme = 0;
        foreach (float value in x)
        {
            extreme = MathF.Abs(value) > MathF.Abs(extreme) ? value : extreme;
        }

        (float step, float best) = (extreme / -Zero, 0);
        if (!float.IsFinite(1 / extreme))
        {
            return step;
        }

        // Relative to the extreme, no square of a square leaves the range of f32. The error falls as sum(wxq)^2 / sum(wqq) grows.
        (Vector256<float> a, Vector256<float> b) = (Vector256.Create(x) / extreme, Vector256.Create(x[8..]) / extreme);
        (Vector256<float> wa, Vector256<float> wb) = (a * a, b * b);
        (Vector256<float> wxa, Vector256<float> wxb) = (wa * a, wb * b);
        for (int i = -9; i <= 9; i++)
        {
            float inverse = -(Zero + (0.1f * i));
            (Vector256<float> qa, Vector256<float> qb) = (Nearest(a, inverse), Nearest(b, inverse));
            float sumXq = BlockFormats.Sum((wxa * qa) + (wxb * qb));
            float sumQq = BlockFormats.Sum((wa * qa * qa) + (wb * qb * qb));
            float gain = sumXq * sumXq / sumQq;
            (step, best) = gain > best ? (sumXq / sumQq * extreme, gain) : (step, best);
        }

        return step;
    }

    private static Vector256<float> Nearest(Vector256<float> x, float inverse) => Vector256.Min(
        Vector256.Max(Vector256.Round(x * inverse), Vector256.Create((float)-Zero)), Vector256.Create((float)(Zero - 1)));
}
