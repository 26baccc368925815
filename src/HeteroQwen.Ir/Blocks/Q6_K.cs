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
}
