using System.Buffers.Binary;
using System.Runtime.Intrinsics;

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

    /// <summary>
    /// The blocks that hold the values best, by each format's way to quantise weights. The values are finite; those too large for a
    /// format's f16 scale give blocks that read as no finite numbers.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The type is not block-quantised, or the lengths are not those of the same whole blocks.
    /// </exception>
    public static void Quantize(ElementType type, ReadOnlySpan<float> values, Span<byte> blocks)
    {
        RequireBlocks(type, blocks.Length, values.Length);
        switch (type)
        {
            case ElementType.Q8_0:
                Q8_0.QuantizeWeights(values, blocks);
                break;
            case ElementType.Q4_0:
                Q4_0.Quantize(values, blocks);
                break;
            case ElementType.Q4_K:
                Q4_K.Quantize(values, blocks);
                break;
            default:
                Q6_K.Quantize(values, blocks);
                break;
        }
    }

    /// <summary>1 / d, and 0 where that is no number to multiply with: values so small that f16 holds no scale for them.</summary>
    internal static float Inverse(float d) => float.IsFinite(1 / d) ? 1 / d : 0;

    /// <summary>Writes a scale as f16 and gives it back as it is held.</summary>
    internal static float Hold(float scale, Span<byte> to)
    {
        BinaryPrimitives.WriteHalfLittleEndian(to, (Half)scale);
        return (float)(Half)scale;
    }

    /// <summary>The sum in an order that is the same on every machine.</summary>
    internal static float Sum(Vector256<float> v)
    {
        Vector128<float> four = v.GetLower() + v.GetUpper();
        return four[0] + four[1] + (four[2] + four[3]);
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
