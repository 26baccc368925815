using System.Buffers.Binary;

namespace HeteroQwen.Ir;

/// <summary>
/// The block-quantised types by their numbers. Each format's <c>Dequantize</c> defines what its bytes mean: in f32, each operation
/// rounded, no FMA, in the order in which ggml does them, so that the values are bit for bit those of llama.cpp. Infinite and NaN
/// scales go through the same arithmetic.
/// </summary>
public static class BlockFormats
{
    /// <summary>The values of whole blocks.</summary>
    /// <exception cref="ArgumentException">
    /// The type is not block-quantised, or the lengths are not those of the same whole blocks.
    /// </exception>
    public static void Dequantize(ElementType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        RequireBlocks(type, blocks.Length, values.Length);
        switch (type)
        {
            case ElementType.Q8_0:
                Q8_0.Dequantize(blocks, values);
                break;
            case ElementType.Q4_0:
                Q4_0.Dequantize(blocks, values);
                break;
            case ElementType.Q4_K:
                Q4_K.Dequantize(blocks, values);
                break;
            default:
                Q6_K.Dequantize(blocks, values);
                break;
        }
    }

    internal static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    internal static void RequireBlocks(ElementType type, int bytes, int elements)
    {
        if (!type.IsQuantized() || type.Bytes(elements) != bytes)
        {
            throw new ArgumentException($"{bytes} bytes are not {elements} elements in blocks of {type.Name()}");
        }
    }
}
