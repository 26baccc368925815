using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>
/// Every element type as f64: the one place that knows how types are stored. All values of all types are exact in f64. Addresses
/// may be unaligned, since weights are read where their file is mapped.
/// </summary>
internal static unsafe class Elements
{
    public static ImmutableArray<ElementType> Types { get; } = [.. ElementTypes.All];

    /// <summary>Reads elements that lie <paramref name="stride"/> elements apart.</summary>
    public static void Read(ElementType type, byte* from, long stride, Span<double> into)
    {
        long step = stride * type.BlockBytes();
        switch (type)
        {
            case ElementType.F32:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = Unsafe.ReadUnaligned<float>(from);
                }

                break;
            case ElementType.F16:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = (double)Unsafe.ReadUnaligned<Half>(from);
                }

                break;
            case ElementType.BF16:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = BitConverter.Int32BitsToSingle(Unsafe.ReadUnaligned<ushort>(from) << 16);
                }

                break;
            case ElementType.I32:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = Unsafe.ReadUnaligned<int>(from);
                }

                break;
            case ElementType.I8:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = *(sbyte*)from;
                }

                break;
            case ElementType.Bool:
                for (int i = 0; i < into.Length; i++, from += step)
                {
                    into[i] = *from == 0 ? 0 : 1;
                }

                break;
            default:
                ReadBlocks(type, from, into);
                break;
        }
    }

    /// <summary>Quantised elements lie side by side, and are read and written in whole blocks.</summary>
    private static void ReadBlocks(ElementType type, byte* from, Span<double> into)
    {
        int elements = type.BlockElements();
        Span<float> values = stackalloc float[elements];
        for (; !into.IsEmpty; into = into[elements..], from += type.BlockBytes())
        {
            BlockFormats.Dequantize(type, new ReadOnlySpan<byte>(from, type.BlockBytes()), values);
            for (int i = 0; i < elements; i++)
            {
                into[i] = values[i];
            }
        }
    }

    private static void WriteBlocks(byte* to, ReadOnlySpan<double> values)
    {
        int elements = ElementType.Q8_0.BlockElements();
        Span<float> block = stackalloc float[elements];
        for (; !values.IsEmpty; values = values[elements..], to += ElementType.Q8_0.BlockBytes())
        {
            for (int i = 0; i < elements; i++)
            {
                block[i] = (float)values[i];
            }

            Q8_0.Quantize(block, new Span<byte>(to, ElementType.Q8_0.BlockBytes()));
        }
    }

    /// <summary>Writes elements, each rounded once: to nearest even, overflow to infinity, NaN stays NaN. Q8_0 is quantised.</summary>
    public static void Write(ElementType type, byte* to, long stride, ReadOnlySpan<double> values)
    {
        if (type == ElementType.Q8_0)
        {
            WriteBlocks(to, values);
            return;
        }

        long step = stride * type.BlockBytes();
        foreach (double value in values)
        {
            switch (type)
            {
                case ElementType.F32:
                    Unsafe.WriteUnaligned(to, (float)value);
                    break;
                case ElementType.F16:
                    Unsafe.WriteUnaligned(to, (Half)value);
                    break;
                case ElementType.BF16:
                    Unsafe.WriteUnaligned(to, ToBFloat16(value));
                    break;
                case ElementType.I32:
                    Unsafe.WriteUnaligned(to, (int)value);
                    break;
                case ElementType.Bool:
                    *to = value == 0 ? (byte)0 : (byte)1;
                    break;
                default:
                    throw new InvalidOperationException($"type {type.Name()} is not written");
            }

            to += step;
        }
    }

    /// <summary>Copies elements of one type bit for bit, NaNs included.</summary>
    public static void Move(ElementType type, byte* from, long fromStride, byte* to, long toStride, long count)
    {
        int size = type.BlockBytes();
        if (fromStride == 1 && toStride == 1)
        {
            Buffer.MemoryCopy(from, to, count * size, count * size);
            return;
        }

        for (long i = 0; i < count; i++)
        {
            Unsafe.CopyBlockUnaligned(to + (i * toStride * size), from + (i * fromStride * size), (uint)size);
        }
    }

    /// <summary>The value is exact in f32: only f32 and f16 are ever cast to bf16, so that this rounds once.</summary>
    private static ushort ToBFloat16(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        if (double.IsNaN(value))
        {
            // Dropping the low half could leave a mantissa of 0, which is infinity; the quiet bit keeps it a NaN.
            return (ushort)((bits >> 16) | 0x40);
        }

        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
