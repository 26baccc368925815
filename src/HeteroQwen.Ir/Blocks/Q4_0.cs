namespace HeteroQwen.Ir;

/// <summary>
/// Q4_0: 32 elements in 18 bytes, x[i] = (q[i] - 8) * d with q from 0 to 15.
/// <code>
/// byte  0 .. 1   2 .. 17
///       d: f16   byte j: q[j] in the low half, q[j + 16] in the high half
/// </code>
/// </summary>
public static class Q4_0
{
    private const int Elements = 32;
    private const int Bytes = 18;

    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        BlockFormats.RequireBlocks(ElementType.Q4_0, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float d = BlockFormats.Half(blocks);
            for (int j = 0; j < Elements / 2; j++)
            {
                values[j] = ((blocks[2 + j] & 0xF) - 8) * d;
                values[j + (Elements / 2)] = ((blocks[2 + j] >> 4) - 8) * d;
            }
        }
    }
}
