using System.Numerics;
using System.Runtime.CompilerServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// f32 rounded to f16 and bf16, to nearest even, overflow to infinity; a NaN stays one. .NET has no instruction for it, so that it is
/// done on the bits, a vector at a time. Scalar equivalent: (Half)x, and <see cref="ElementValues.BFloat16Bits"/>.
/// </summary>
internal static unsafe class Narrowing
{
    private const uint Sign = 0x80000000;
    private const uint Infinity = 0x7F800000;

    /// <summary>65536: from here on the result is infinite; what is nearer to it than to the largest f16 rounds up into infinity.</summary>
    private const uint HalfTooLarge = (127 + 16) << 23;

    /// <summary>2^-14, the smallest normal f16.</summary>
    private const uint HalfNormal = (127 - 14) << 23;

    /// <summary>0.5: added to a number below 2^-14, it brings the bits of the subnormal f16 to the lowest places, rounded.</summary>
    private const uint HalfShifter = 126u << 23;

    /// <summary>From the bias of f32 to that of f16, and half a unit of the last place, less one.</summary>
    private const uint HalfRebias = unchecked((uint)(15 - 127) << 23) + 0xFFF;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToHalves(float* from, long count, Half* to)
    {
        long i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector<uint> low = Half(Vector.Load((uint*)from + i));
            Vector<uint> high = Half(Vector.Load((uint*)from + i + Vector<uint>.Count));
            Vector.Narrow(low, high).Store((ushort*)to + i);
        }

        for (; i < count; i++)
        {
            to[i] = (Half)from[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToBrains(float* from, long count, ushort* to)
    {
        long i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector<uint> low = Brain(Vector.Load((uint*)from + i));
            Vector<uint> high = Brain(Vector.Load((uint*)from + i + Vector<uint>.Count));
            Vector.Narrow(low, high).Store(to + i);
        }

        for (; i < count; i++)
        {
            to[i] = ElementValues.BFloat16Bits(from[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Half(Vector<uint> bits)
    {
        Vector<uint> sign = bits & new Vector<uint>(Sign);
        Vector<uint> x = bits ^ sign;
        Vector<uint> normal = (x + new Vector<uint>(HalfRebias) + ((x >> 13) & Vector<uint>.One)) >> 13;
        Vector<float> shifter = Vector.AsVectorSingle(new Vector<uint>(HalfShifter));
        Vector<uint> subnormal = Vector.AsVectorUInt32(Vector.AsVectorSingle(x) + shifter) - new Vector<uint>(HalfShifter);
        Vector<uint> special = Vector.ConditionalSelect(
            Vector.GreaterThan(x, new Vector<uint>(Infinity)), new Vector<uint>(0x7E00), new Vector<uint>(0x7C00));
        Vector<uint> finite = Vector.ConditionalSelect(Vector.LessThan(x, new Vector<uint>(HalfNormal)), subnormal, normal);
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<uint>(HalfTooLarge)), finite, special) | (sign >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Brain(Vector<uint> bits)
    {
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        Vector<uint> isNaN = Vector.GreaterThan(bits & new Vector<uint>(~Sign), new Vector<uint>(Infinity));
        return Vector.ConditionalSelect(isNaN, (bits >> 16) | new Vector<uint>(0x40), rounded);
    }
}
