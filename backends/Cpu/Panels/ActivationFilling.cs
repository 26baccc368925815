using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Fills rows of activations. int8: m being the largest |x| of 32, scale = m / 127 and code = round(x * (127 / m)), to nearest even; a
/// group with an infinity or NaN has codes of 0 and a NaN as its scale, so that the whole row of results is NaN. The bits are the same
/// whatever vectors the processor has.
/// </summary>
internal static unsafe class ActivationFilling
{
    private const int Group = ActivationRows.Group;
    private const float Most = sbyte.MaxValue;
    private const int Infinity = 0x7F800000;

    /// <summary>1.5 * 2^23: added to a small number, it leaves the nearest integer in the lowest bits.</summary>
    private const float Rounder = 12582912;

    /// <summary>Below it 127 / m is not finite.</summary>
    private const float LeastMost = 1e-36f;

    /// <summary>Fills one row from its elements, which lie side by side. Callers may fill rows on any threads.</summary>
    public static void Fill(in ActivationRows rows, long row, float* from)
    {
        byte* to = rows.Row(row);
        long length = rows.Length;
        switch (rows.Form)
        {
            case ActivationForm.F32:
                Buffer.MemoryCopy(from, to, length * sizeof(float), length * sizeof(float));
                new Span<float>((float*)to + length, (int)(ActivationRows.Padded(length) - length)).Clear();
                break;
            case ActivationForm.BF16:
                Brains(from, length, (ushort*)to);
                new Span<ushort>((ushort*)to + length, (int)(ActivationRows.Padded(length) - length)).Clear();
                break;
            default:
                Integers(from, length, to);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Brains(float* from, long length, ushort* to)
    {
        long k = 0;
        for (; k <= length - 16; k += 16)
        {
            Vector256.Narrow(Brain(Vector256.Load(from + k)), Brain(Vector256.Load(from + k + 8))).Store(to + k);
        }

        for (; k < length; k++)
        {
            to[k] = ElementValues.BFloat16Bits(from[k]);
        }
    }

    /// <summary><see cref="ElementValues.BFloat16Bits"/> of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Brain(Vector256<float> x)
    {
        Vector256<uint> bits = x.AsUInt32();
        Vector256<uint> rounded = bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256.Create(1u));
        return Vector256.ConditionalSelect(Vector256.Equals(x, x).AsUInt32(), rounded, bits | Vector256.Create(0x400000u)) >> 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Integers(float* from, long length, byte* record)
    {
        float* rest = stackalloc float[Group];
        sbyte* codes = (sbyte*)record;
        float* scales = (float*)(record + ActivationRows.ScalesOffset(length));
        float* shifts = (float*)(record + ActivationRows.ShiftsOffset(length));
        int* sums32 = (int*)(record + ActivationRows.Sums32Offset(length));
        int* sums16 = (int*)(record + ActivationRows.Sums16Offset(length));
        for (long k = 0; k < length; k += Group)
        {
            float* group = from + k;
            if (length - k < Group)
            {
                new Span<float>(rest, Group).Clear();
                new ReadOnlySpan<float>(group, (int)(length - k)).CopyTo(new Span<float>(rest, Group));
                group = rest;
            }

            *scales = Quantise(group, codes, sums16);
            *sums32 = sums16[0] + sums16[1];
            *shifts = *scales * -*sums32;
            codes += Group;
            scales++;
            shifts++;
            sums32++;
            sums16 += 2;
        }
    }

    /// <summary>Codes and minus their sums of 32 elements; returns the scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Quantise(float* x, sbyte* codes, int* sums)
    {
        Vector256<float> a = Vector256.Load(x), b = Vector256.Load(x + 8), c = Vector256.Load(x + 16), d = Vector256.Load(x + 24);

        // Magnitudes are ordered as integers, infinities and NaNs above all others.
        Vector256<int> bits = Vector256.Max(Vector256.Max(Magnitude(a), Magnitude(b)), Vector256.Max(Magnitude(c), Magnitude(d)));
        int largest = Largest(Vector128.Max(bits.GetLower(), bits.GetUpper()));
        float most = BitConverter.Int32BitsToSingle(largest);
        if (largest >= Infinity || most < LeastMost)
        {
            return QuantiseExtremes(x, most, codes, sums);
        }

        Vector256<float> factor = Vector256.Create(Most / most);
        Vector256<int> p = Round(a * factor), q = Round(b * factor), r = Round(c * factor), s = Round(d * factor);
        Vector256.Narrow(Vector256.Narrow(p, q), Vector256.Narrow(r, s)).Store(codes);
        sums[0] = -Vector256.Sum(p + q);
        sums[1] = -Vector256.Sum(r + s);
        return most / Most;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Magnitude(Vector256<float> x) => x.AsInt32() & Vector256.Create(int.MaxValue);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(Vector256<float> x) =>
        (x + Vector256.Create(Rounder)).AsInt32() - Vector256.Create(BitConverter.SingleToInt32Bits(Rounder));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Largest(Vector128<int> x)
    {
        x = Vector128.Max(x, Vector128.Shuffle(x, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(x, Vector128.Shuffle(x, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <summary>What is not finite, or so small that the quotients are had in f64.</summary>
    private static float QuantiseExtremes(float* x, float most, sbyte* codes, int* sums)
    {
        (sums[0], sums[1]) = (0, 0);
        bool none = most == 0 || !float.IsFinite(most);
        for (int i = 0; i < Group; i++)
        {
            codes[i] = none ? (sbyte)0 : (sbyte)Math.Round((double)x[i] / most * Most);
            sums[i / 16] -= codes[i];
        }

        return float.IsFinite(most) ? most / Most : float.NaN;
    }
}
