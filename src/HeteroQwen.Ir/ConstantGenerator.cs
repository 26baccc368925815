using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HeteroQwen.Ir;

/// <summary>
/// Makes the bytes of a constant from a seed: independent values around <paramref name="Mean"/> with the standard deviation
/// <paramref name="Deviation"/>. Block b of a constant is a function of seed and b alone, so that any whole blocks can be made at any
/// time, on any thread, in any order, and are the same.
/// <para>All comes from 64-bit words w(i) = mix(mix(seed) + i * 0x9E3779B97F4A7C15), mix being the output function of SplitMix64
/// (Steele, Lea, Flood 2014) and all arithmetic modulo 2^64.</para>
/// <para>f32: word i makes elements 2 i (its low half) and 2 i + 1; h being the upper 24 bits of the half, the element is
/// mean + (h - (2^24 - 1) / 2) * deviation * sqrt(12) / 2^24: uniform. f16 and bf16: word i makes elements 4 i .. 4 i + 3, from its
/// lowest 16 bits on; with the upper 12 bits h of the sixteen, mean + (h - (2^12 - 1) / 2) * deviation * sqrt(12) / 2^12, rounded to
/// nearest even.</para>
/// <para>Block-quantised types: <see cref="GeneratedBlocks"/>.</para>
/// </summary>
/// <param name="Seed">Constants of different seeds are independent.</param>
/// <param name="Mean">0 for the block-quantised types.</param>
/// <param name="Deviation">Not negative.</param>
public sealed record ConstantGenerator(ulong Seed, double Mean, double Deviation)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private const int HalfLevels = 1 << 12;

    private static readonly double s_uniform = Math.Sqrt(12);

    /// <summary>Makes blocks <paramref name="first"/> .. first + count - 1; for the types without blocks, elements.</summary>
    /// <exception cref="ArgumentException">Weights of this type, or around this mean, cannot be made.</exception>
    internal unsafe void Fill(ElementType type, long first, byte* destination, long count)
    {
        Check(type);
        WordStream words = new(Mix(Seed));
        switch (type)
        {
            case ElementType.F32:
                FillFloats(words, first, destination, count);
                break;
            case ElementType.F16:
            case ElementType.BF16:
                FillHalves(words, type, first, destination, count);
                break;
            default:
                GeneratedBlocks.Fill(words, type, Deviation, first, destination, count);
                break;
        }
    }

    /// <exception cref="ArgumentException">Weights of this type, or around this mean, cannot be made.</exception>
    internal void Check(ElementType type)
    {
        bool sane = double.IsFinite(Mean) && double.IsFinite(Deviation) && Deviation >= 0;
        if (!sane || !(type.IsFloat() || (type.IsQuantized() && Mean == 0 && GeneratedBlocks.Holds(type, Deviation))))
        {
            throw new ArgumentException($"no {type.Name()} of mean {Mean} and deviation {Deviation} can be generated");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private unsafe void FillFloats(WordStream words, long first, byte* destination, long count)
    {
        const int Levels = 1 << 24;
        float step = (float)(Deviation * s_uniform / Levels);
        float mean = (float)Mean;
        for (long i = 0; i < count; i++)
        {
            long element = first + i;
            uint half = (uint)(words[element >> 1] >> (int)((element & 1) * 32));
            float centred = (int)(half >> 8) - ((Levels - 1) / 2f);
            Unsafe.WriteUnaligned(destination + (4 * i), mean + (centred * step));
        }
    }

    private unsafe void FillHalves(WordStream words, ElementType type, long first, byte* destination, long count)
    {
        // 12 bits make more values than bf16 tells apart, and the table of them fits the innermost cache.
        if (count < HalfLevels)
        {
            for (long i = first; i < first + count; i++, destination += sizeof(ushort))
            {
                Unsafe.WriteUnaligned(destination, HalfOf(type, (ushort)(words[i / 4] >> (int)(i % 4 * 16)) >> 4));
            }

            return;
        }

        ushort* table = stackalloc ushort[HalfLevels];
        for (int h = 0; h < HalfLevels; h++)
        {
            table[h] = HalfOf(type, h);
        }

        for (long i = first; i < first + count; destination += sizeof(ushort))
        {
            ulong word = words[i / 4];
            if (i % 4 == 0 && first + count - i >= 4)
            {
                ulong four = table[(ushort)word >> 4] | ((ulong)table[(ushort)(word >> 16) >> 4] << 16)
                    | ((ulong)table[(ushort)(word >> 32) >> 4] << 32) | ((ulong)table[word >> 52] << 48);
                Unsafe.WriteUnaligned(destination, four);
                destination += 3 * sizeof(ushort);
                i += 4;
            }
            else
            {
                Unsafe.WriteUnaligned(destination, table[(ushort)(word >> (int)(i % 4 * 16)) >> 4]);
                i++;
            }
        }
    }

    private ushort HalfOf(ElementType type, int level)
    {
        double value = Mean + ((level - ((HalfLevels - 1) / 2.0)) * (Deviation * s_uniform / HalfLevels));
        return type == ElementType.F16 ? BitConverter.HalfToUInt16Bits((Half)value) : ElementValues.BFloat16Bits((float)value);
    }

    /// <summary>The words w(i) of a key.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly struct WordStream(ulong key)
    {
        public ulong this[long i]
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Mix(key + ((ulong)i * Golden));
        }
    }
}
