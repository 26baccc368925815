using System.Numerics;
using System.Numerics.Tensors;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// f32 from f16, bf16 and the block-quantised types, exact, and back, to nearest even with overflow to infinity, or
/// quantised. Scalar equivalent: to[i] = (float)from[i * stride].
/// </summary>
internal static unsafe class Widening
{
    /// <summary>A row as f32: where it lies if it is that and side by side, else a copy in <paramref name="scratch"/>.</summary>
    public static float* Row(ElementType type, byte* from, long stride, long count, float* scratch)
    {
        if (type == ElementType.F32 && stride == 1)
        {
            return (float*)from;
        }

        Into(type, from, stride, count, scratch);
        return scratch;
    }

    public static void Into(ElementType type, byte* from, long stride, long count, float* to)
    {
        switch (type)
        {
            case ElementType.F32:
                Gather((float*)from, stride, count, to);
                break;
            case ElementType.F16:
                Halves((Half*)from, stride, count, to);
                break;
            case ElementType.BF16:
                Brains((ushort*)from, stride, count, to);
                break;
            default:
                BlockWidening.Into(type, from, count, to);
                break;
        }
    }

    /// <summary>Rounds f32 into a float type, or quantises it to Q8_0.</summary>
    public static void Narrow(ElementType type, float* from, long count, byte* to)
    {
        switch (type)
        {
            case ElementType.F32:
                Gather(from, 1, count, (float*)to);
                break;
            case ElementType.F16:
                Narrowing.ToHalves(from, count, (Half*)to);
                break;
            case ElementType.BF16:
                Narrowing.ToBrains(from, count, (ushort*)to);
                break;
            case ElementType.Q8_0:
                int whole = checked((int)count);
                Q8_0.Quantize(new ReadOnlySpan<float>(from, whole), new Span<byte>(to, checked((int)type.Bytes(count))));
                break;
            default:
                throw new ArgumentException($"nothing is rounded to {type.Name()}");
        }
    }

    private static void Gather(float* from, long stride, long count, float* to)
    {
        if (stride == 1)
        {
            Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
            return;
        }

        for (long i = 0; i < count; i++)
        {
            to[i] = from[i * stride];
        }
    }

    private static void Halves(Half* from, long stride, long count, float* to)
    {
        if (stride == 1)
        {
            TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(from, checked((int)count)), new Span<float>(to, checked((int)count)));
            return;
        }

        for (long i = 0; i < count; i++)
        {
            to[i] = (float)from[i * stride];
        }
    }

    private static void Brains(ushort* from, long stride, long count, float* to)
    {
        long i = 0;
        if (stride == 1)
        {
            for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Widen(Vector.Load(from + i), out Vector<uint> low, out Vector<uint> high);
                Vector.AsVectorSingle(low << 16).Store(to + i);
                Vector.AsVectorSingle(high << 16).Store(to + i + Vector<float>.Count);
            }
        }

        for (; i < count; i++)
        {
            to[i] = BitConverter.UInt32BitsToSingle((uint)from[i * stride] << 16);
        }
    }
}
