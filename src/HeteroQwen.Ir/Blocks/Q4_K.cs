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

    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        BlockFormats.RequireBlocks(ElementType.Q4_K, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float d = BlockFormats.Half(blocks);
            float dmin = BlockFormats.Half(blocks[2..]);
            for (int g = 0; g < Elements / Group; g++)
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
}
