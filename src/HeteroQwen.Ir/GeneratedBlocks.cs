using System.Runtime.CompilerServices;

namespace HeteroQwen.Ir;

/// <summary>
/// Blocks of the quantised types made from random words, as <see cref="ConstantGenerator"/> says: valid blocks of mean 0, whose scales
/// differ from block to block so that a kernel which takes the wrong one is seen. Block b takes words W b .. W b + W - 1, the first of
/// which gives d (and the sign of d, or the scales); the others, low byte first, are the block's quants.
/// <code>
///        W    of the first word(s)                                         of the rest
/// q8_0   5    d = table[bits 0-7]                                          q: 32 x i8, where -128 becomes 0
/// q4_0   3    d = table[bits 0-7], negative if bit 8 is set                q: 16 bytes, uniform
/// q4_k  19    word 0: d = table[bits 0-7]; dmin = 7.5 d, to f16            q: 128 bytes, uniform
///             word 1, word 2: scales and minima, see <see cref="Scales"/>
/// q6_k  27    word 0: d = table[bits 0-7]; words 1, 2: 16 scales, their    low and high: 192 bytes, uniform
///             bit 6 replaced by the inverse of bit 7 (64 .. 127, -128 .. -65)
/// </code>
/// table[k] = (1 + (k - 127.5) / 512) * deviation / sqrt(E), rounded to f16, where E is the mean square of an element of a block
/// whose d is 1 + (k - 127.5) / 512.
/// </summary>
internal static unsafe class GeneratedBlocks
{
    private const int Levels = 256;

    /// <summary>Mean square of 1 + (k - 127.5) / 512 over k.</summary>
    private const double SpreadSquare = 1 + (((Levels * Levels) - 1) / 12.0 / (512 * 512));

    /// <summary>By type; worked out once, since a constant may be made a row at a time.</summary>
    private static readonly double[] s_meanSquares = [.. ElementTypes.All.Select(type => type.IsQuantized() ? MeanSquare(type) : 0)];

    /// <summary>Whether the scales of such blocks, and q4_k's dmin, are finite in f16.</summary>
    public static bool Holds(ElementType type, double deviation) => Half.IsFinite((Half)(7.5 * 1.25 * Scale(type, deviation)));

    public static void Fill(ConstantGenerator.WordStream words, ElementType type, double deviation, long first, byte* to, long count)
    {
        ushort* table = stackalloc ushort[Levels];
        double scale = Scale(type, deviation);
        for (int k = 0; k < Levels; k++)
        {
            table[k] = BitConverter.HalfToUInt16Bits((Half)((1 + ((k - 127.5) / 512)) * scale));
        }

        for (long b = first; b < first + count; b++, to += type.BlockBytes())
        {
            switch (type)
            {
                case ElementType.Q8_0:
                    FillQ8_0(words, b * 5, table, to);
                    break;
                case ElementType.Q4_0:
                    FillQ4_0(words, b * 3, table, to);
                    break;
                case ElementType.Q4_K:
                    FillQ4_K(words, b * 19, table, to);
                    break;
                default:
                    FillQ6_K(words, b * 27, table, to);
                    break;
            }
        }
    }

    private static double Scale(ElementType type, double deviation) => deviation / Math.Sqrt(SpreadSquare * s_meanSquares[(int)type]);

    /// <summary>Mean square of an element where d is 1: of q8_0's q; of q4_0's q - 8; and see the kinds of scales.</summary>
    private static double MeanSquare(ElementType type) => type switch
    {
        ElementType.Q8_0 => Mean(-127, 127, q => q * q) * 255 / 256,
        ElementType.Q4_0 => Mean(-8, 7, q => q * q),

        // scale (q - 7.5) + 7.5 (scale - min), the last factor being the difference of two independent numbers of three bits.
        ElementType.Q4_K => (Mean(32, 63, s => s * s) * Mean(0, 15, q => (q - 7.5) * (q - 7.5)))
            + (7.5 * 7.5 * 2 * Mean(0, 7, m => (m - 3.5) * (m - 3.5))),
        _ => (Mean(64, 127, s => s * s) + Mean(65, 128, s => s * s)) / 2 * Mean(-32, 31, q => q * q),
    };

    private static double Mean(int first, int last, Func<int, double> of) => Enumerable.Range(first, last - first + 1).Average(of);

    private static void FillQ8_0(ConstantGenerator.WordStream words, long word, ushort* table, byte* to)
    {
        Unsafe.WriteUnaligned(to, table[(byte)words[word]]);
        for (int i = 0; i < 4; i++)
        {
            Unsafe.WriteUnaligned(to + 2 + (8 * i), WithoutMinus128(words[word + 1 + i]));
        }
    }

    /// <summary>Bytes 0x80 become 0: the carry into bit 7 tells whether any lower bit is set.</summary>
    private static ulong WithoutMinus128(ulong bytes)
    {
        const ulong Low = 0x7F7F7F7F7F7F7F7F;
        ulong lowBits = (bytes & Low) + Low;
        return bytes & (Low | lowBits);
    }

    private static void FillQ4_0(ConstantGenerator.WordStream words, long word, ushort* table, byte* to)
    {
        ulong head = words[word];
        Unsafe.WriteUnaligned(to, (ushort)(table[(byte)head] | ((head << 7) & 0x8000)));
        Unsafe.WriteUnaligned(to + 2, words[word + 1]);
        Unsafe.WriteUnaligned(to + 10, words[word + 2]);
    }

    private static void FillQ4_K(ConstantGenerator.WordStream words, long word, ushort* table, byte* to)
    {
        ushort d = table[(byte)words[word]];
        Unsafe.WriteUnaligned(to, d);
        Unsafe.WriteUnaligned(to + 2, BitConverter.HalfToUInt16Bits((Half)(7.5f * (float)BitConverter.UInt16BitsToHalf(d))));
        Scales(words[word + 1], words[word + 2], to + 4);
        for (int i = 0; i < 16; i++)
        {
            Unsafe.WriteUnaligned(to + 16 + (8 * i), words[word + 3 + i]);
        }
    }

    /// <summary>
    /// The 12 bytes of q4_k that hold eight scales and eight minima of six bits (<see cref="ElementType.Q4_K"/>): each scale from 32 to
    /// 63, its minimum equal but for the three lowest bits, so that the mean of 7.5 (scale - minimum) is 0. In words of four bytes, of
    /// which the first holds scales 0 .. 3 and the top of scales 4 .. 7, the second the minima so, the third the rest of 4 .. 7:
    /// a = low half of the first word, b = its high half, c = low half of the second.
    /// </summary>
    private static void Scales(ulong first, ulong second, byte* to)
    {
        (uint a, uint b, uint c) = ((uint)first, (uint)(first >> 32), (uint)second);
        uint scales = (a & 0x5F5F5F5F) | 0xA0A0A0A0;
        uint minima = (scales & 0xF8F8F8F8) | (b & 0x07070707);
        uint rest = (c & 0x7F7F7F7F) | ((c & 0x08080808) << 4);
        Unsafe.WriteUnaligned(to, scales);
        Unsafe.WriteUnaligned(to + 4, minima);
        Unsafe.WriteUnaligned(to + 8, rest);
    }

    private static void FillQ6_K(ConstantGenerator.WordStream words, long word, ushort* table, byte* to)
    {
        for (int i = 0; i < 24; i++)
        {
            Unsafe.WriteUnaligned(to + (8 * i), words[word + 3 + i]);
        }

        for (int i = 0; i < 2; i++)
        {
            ulong scales = words[word + 1 + i];
            const ulong Bit6 = 0x4040404040404040;
            Unsafe.WriteUnaligned(to + 192 + (8 * i), (scales & ~Bit6) | ((~scales >> 1) & Bit6));
        }

        Unsafe.WriteUnaligned(to + 208, table[(byte)words[word]]);
    }
}
