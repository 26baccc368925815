using System.Buffers.Binary;

namespace HeteroQwen.Ir.Tests.Blocks;

/// <summary>The formats once more, one element at a time, from single bits: bit n of a block is bit n % 8 of byte n / 8.</summary>
internal static class Bits
{
    public static void Put(Span<byte> block, int at, Half value) => BinaryPrimitives.WriteHalfLittleEndian(block[at..], value);

    public static Half Half(ReadOnlySpan<byte> block, int at) => BinaryPrimitives.ReadHalfLittleEndian(block[at..]);

    /// <summary>The exact value of an element, if the scales lie close enough together for f64 to hold it.</summary>
    public static double Value(ElementType type, byte[] block, int i) => type switch
    {
        ElementType.Q8_0 => (double)Half(block, 0) * (sbyte)block[2 + i],
        ElementType.Q4_0 => (double)Half(block, 0) * (Of(block, (8 * (2 + (i % 16))) + (i / 16 * 4), 4) - 8),
        ElementType.Q4_K => OfQ4K(block, i),
        _ => OfQ6K(block, i),
    };

    private static double OfQ4K(byte[] block, int i)
    {
        int g = i / 32;
        int q = Of(block, (8 * (16 + (i / 64 * 32) + (i % 32))) + (g % 2 * 4), 4);
        int scale = g < 4 ? Of(block, 8 * (4 + g), 6) : Of(block, 8 * (8 + g), 4) + (16 * Of(block, (8 * g) + 6, 2));
        int min = g < 4 ? Of(block, 8 * (8 + g), 6) : Of(block, (8 * (8 + g)) + 4, 4) + (16 * Of(block, (8 * (4 + g)) + 6, 2));
        return ((double)Half(block, 0) * scale * q) - ((double)Half(block, 2) * min);
    }

    private static double OfQ6K(byte[] block, int i)
    {
        (int half, int run, int place) = (i / 128, i % 128 / 32, i % 32);
        int low = Of(block, (8 * ((64 * half) + (run is 1 or 3 ? 32 : 0) + place)) + (run >= 2 ? 4 : 0), 4);
        int high = Of(block, (8 * (128 + (32 * half) + place)) + (2 * run), 2);
        return (double)Half(block, 208) * (sbyte)block[192 + (i / 16)] * (low + (16 * high) - 32);
    }

    private static int Of(byte[] block, int first, int count)
    {
        int value = 0;
        for (int bit = 0; bit < count; bit++)
        {
            int at = first + bit;
            value |= ((block[at / 8] >> (at % 8)) & 1) << bit;
        }

        return value;
    }
}
