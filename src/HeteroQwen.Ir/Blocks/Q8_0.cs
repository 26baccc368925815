using System.Buffers.Binary;

namespace HeteroQwen.Ir;

/// <summary>
/// Q8_0: 32 elements in 34 bytes, x[i] = q[i] * d.
/// <code>
/// byte  0 .. 1   2 .. 33
///       d: f16   q: 32 x i8, in order
/// </code>
/// </summary>
public static class Q8_0
{
    private const int Elements = 32;
    private const int Bytes = 34;
    private const int Most = sbyte.MaxValue;

    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Dequantize(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        BlockFormats.RequireBlocks(ElementType.Q8_0, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float d = BlockFormats.Half(blocks);
            for (int i = 0; i < Elements; i++)
            {
                values[i] = (sbyte)blocks[2 + i] * d;
            }
        }
    }

    /// <summary>
    /// For states: d = max |x| / 127 in f32, held as f16; q = x / d with d as held, to nearest even, and at most 127 from 0 (where d is a subnormal
    /// f16, its rounding can take x / d further). A d of 0 gives zeros. A block with an infinity or NaN, or whose d overflows f16, has
    /// that d and q = 0, so that all of it reads as NaN.
    /// </summary>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void Quantize(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        BlockFormats.RequireBlocks(ElementType.Q8_0, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float most = 0;
            for (int i = 0; i < Elements; i++)
            {
                // MathF.Max keeps a NaN.
                most = MathF.Max(most, MathF.Abs(values[i]));
            }

            var held = (Half)(most / Most);
            BinaryPrimitives.WriteHalfLittleEndian(blocks, held);
            float d = (float)held;
            for (int i = 0; i < Elements; i++)
            {
                float q = d == 0 || !float.IsFinite(d) ? 0 : MathF.Round(values[i] / d, MidpointRounding.ToEven);
                blocks[2 + i] = (byte)(sbyte)Math.Clamp(q, -Most, Most);
            }
        }
    }
    /// <summary>
    /// For the weights of a file: d = max |x| / 127; q = x * (1 / d), to nearest and halves away from 0, with d as it is before it is held
    /// as f16. In f32, each operation rounded: bit for bit ggml's, so that a file is the same whichever program quantised it.
    /// </summary>
    /// <remarks>A d that overflows f16 is held as an infinity, which the block's values show.</remarks>
    /// <exception cref="ArgumentException">The lengths are not those of the same whole blocks.</exception>
    public static void QuantizeWeights(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        BlockFormats.RequireBlocks(ElementType.Q8_0, blocks.Length, values.Length);
        for (; !blocks.IsEmpty; blocks = blocks[Bytes..], values = values[Elements..])
        {
            float most = 0;
            for (int i = 0; i < Elements; i++)
            {
                most = MathF.Max(most, MathF.Abs(values[i]));
            }

            float d = most / Most;
            float inverse = BlockFormats.Inverse(d);
            BinaryPrimitives.WriteHalfLittleEndian(blocks, (Half)d);
            for (int i = 0; i < Elements; i++)
            {
                float q = MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
                blocks[2 + i] = (byte)(sbyte)Math.Clamp(q, -Most, Most);
            }
        }
    }
}
