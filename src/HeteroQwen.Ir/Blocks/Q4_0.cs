using System.Buffers.Binary;

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
    /// <summary>
    /// d = x / -8 for the x farthest from 0, the first of several, so that it is held best; q = x * (1 / d) + 8.5, truncated, at most 15.
    /// In f32, each operation rounded, d as it is before it is held as f16: bit for bit ggml's.
    /// </summary>
    /// <remarks>A d that overflows f16 is held as an infinity, which the block's values show.</remarks>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Quantize(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        BlockFormats.RequireBlocks(ElementType.Q4_0, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float extreme = 0;
            for (int i = 0; i < Elements; i++)
            {
                extreme = MathF.Abs(values[i]) > MathF.Abs(extreme) ? values[i] : extreme;
            }

            float d = extreme / -8;
            float inverse = BlockFormats.Inverse(d);
            BinaryPrimitives.WriteHalfLittleEndian(blocks, (Half)d);
            for (int j = 0; j < Elements / 2; j++)
            {
                blocks[2 + j] = (byte)(Level(values[j], inverse) | (Level(values[j + (Elements / 2)], inverse) << 4));
            }
        }
    }

    private static int Level(float value, float inverse) => Math.Clamp((int)((value * inverse) + 8.5f), 0, 15);
}
