using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>Bytes of each element type to doubles and back.</summary>
internal static class ElementCodec
{
    /// <summary>The elements of dense bytes.</summary>
    public static double[] Decode(ElementType type, ReadOnlySpan<byte> bytes)
    {
        switch (type)
        {
            case ElementType.F32:
                return Widen(MemoryMarshal.Cast<byte, float>(bytes), x => x);
            case ElementType.F16:
                return Widen(MemoryMarshal.Cast<byte, Half>(bytes), x => (double)x);
            case ElementType.BF16:
                return Widen(MemoryMarshal.Cast<byte, ushort>(bytes), x => BitConverter.Int32BitsToSingle(x << 16));
            case ElementType.I32:
                return Widen(MemoryMarshal.Cast<byte, int>(bytes), x => x);
            case ElementType.I8:
                return Widen(MemoryMarshal.Cast<byte, sbyte>(bytes), x => x);
            case ElementType.Bool:
                return Widen(bytes, x => x);
            default:
                float[] values = new float[bytes.Length / type.BlockBytes() * type.BlockElements()];
                BlockFormats.Dequantize(type, bytes, values);
                return Widen<float>(values, x => x);
        }
    }

    /// <summary>Values, rounded to nearest even, as dense bytes; to q8_0 they are quantised.</summary>
    public static byte[] Encode(ElementType type, ReadOnlySpan<double> values)
    {
        switch (type)
        {
            case ElementType.F32:
                return MemoryMarshal.AsBytes<float>(Narrow(values, x => (float)x)).ToArray();
            case ElementType.F16:
                return MemoryMarshal.AsBytes<Half>(Narrow(values, x => (Half)(float)x)).ToArray();
            case ElementType.BF16:
                return MemoryMarshal.AsBytes<ushort>(Narrow(values, x => ToBFloat16((float)x))).ToArray();
            case ElementType.I32:
                return MemoryMarshal.AsBytes<int>(Narrow(values, x => (int)x)).ToArray();
            case ElementType.I8:
                return MemoryMarshal.AsBytes<sbyte>(Narrow(values, x => (sbyte)x)).ToArray();
            case ElementType.Bool:
                return Narrow(values, x => (byte)x);
            default:
                byte[] blocks = new byte[ElementType.Q8_0.Bytes(values.Length)];
                Q8_0.Quantize(Narrow(values, x => (float)x), blocks);
                return blocks;
        }
    }

    /// <summary>Values as a copy to another type leaves them.</summary>
    public static double[] Cast(double[] values, ElementType to) => to is ElementType.F16 or ElementType.BF16
        ? Decode(to, Encode(to, values)) : values;

    /// <summary>Values as a state of the type holds them.</summary>
    public static double[] Stored(double[] values, ElementType type) => Decode(type, Encode(type, values));

    private static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static double[] Widen<T>(ReadOnlySpan<T> from, Func<T, double> convert)
    {
        double[] to = new double[from.Length];
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = convert(from[i]);
        }

        return to;
    }

    private static T[] Narrow<T>(ReadOnlySpan<double> from, Func<double, T> convert)
    {
        T[] to = new T[from.Length];
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = convert(from[i]);
        }

        return to;
    }
}
