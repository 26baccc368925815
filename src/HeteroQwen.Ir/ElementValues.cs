using System.Runtime.InteropServices;

namespace HeteroQwen.Ir;

/// <summary>Weights of any float or block-quantised type as f32, and back.</summary>
public static class ElementValues
{
    /// <summary>Whether weights may be of this type.</summary>
    public static bool Holds(ElementType type) => type.IsFloat() || type.IsQuantized();

    /// <summary>The values of dense bytes, without loss.</summary>
    /// <exception cref="ArgumentException">The lengths do not belong together, or weights have no such type.</exception>
    public static void Read(ElementType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        Require(type, bytes.Length, values.Length);
        switch (type)
        {
            case ElementType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case ElementType.F16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = (float)halves[i];
                }

                break;
            case ElementType.BF16:
                ReadOnlySpan<ushort> brains = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)brains[i] << 16);
                }

                break;
            default:
                BlockFormats.Dequantize(type, bytes, values);
                break;
        }
    }

    /// <summary>
    /// The bytes of values: to nearest even in the 16-bit types, where what is too large becomes an infinity and a NaN stays one;
    /// <see cref="BlockFormats.Quantize"/> for blocks.
    /// </summary>
    /// <exception cref="ArgumentException">The lengths do not belong together, or weights have no such type.</exception>
    public static void Write(ElementType type, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        Require(type, bytes.Length, values.Length);
        switch (type)
        {
            case ElementType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case ElementType.F16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                {
                    halves[i] = (Half)values[i];
                }

                break;
            case ElementType.BF16:
                Span<ushort> brains = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                {
                    brains[i] = BFloat16Bits(values[i]);
                }

                break;
            default:
                BlockFormats.Quantize(type, values, bytes);
                break;
        }
    }

    /// <summary>The bits of the nearest bf16, ties to even; what is too large becomes an infinity, a NaN stays one.</summary>
    public static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void Require(ElementType type, int bytes, int elements)
    {
        if (!Holds(type) || type.Bytes(elements) != bytes)
        {
            throw new ArgumentException($"{bytes} bytes are not {elements} weights of type {type.Name()}");
        }
    }
}
