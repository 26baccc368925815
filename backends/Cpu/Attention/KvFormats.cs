using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>How a head of K or V is stored.</summary>
internal unsafe interface IKvFormat
{
    static abstract long Bytes(long elements);

    /// <summary>A head as f32, and zeros up to a whole vector.</summary>
    static abstract void Widen<T>(byte* head, long length, float* to)
        where T : struct, ISimd<T>;
}

/// <summary>Elements that stand alone.</summary>
internal unsafe interface IKvElement
{
    static abstract int Size { get; }

    static abstract T Load<T>(byte* at)
        where T : struct, ISimd<T>;
}

internal readonly unsafe struct KvF32 : IKvElement
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* at)
        where T : struct, ISimd<T> => T.Load((float*)at);
}

internal readonly unsafe struct KvF16 : IKvElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* at)
        where T : struct, ISimd<T> => T.LoadHalves((ushort*)at);
}

internal readonly unsafe struct KvBF16 : IKvElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* at)
        where T : struct, ISimd<T> => T.LoadBrains((ushort*)at);
}

/// <summary>Elements side by side.</summary>
internal readonly unsafe struct KvElements<TElement> : IKvFormat
    where TElement : struct, IKvElement
{
    public static long Bytes(long elements) => elements * TElement.Size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<T>(byte* head, long length, float* to)
        where T : struct, ISimd<T>
    {
        long i = 0;
        for (; i <= length - T.Count; i += T.Count)
        {
            T.Store(to + i, TElement.Load<T>(head + (i * TElement.Size)));
        }

        if (i < length)
        {
            T.Store(to + i, T.Zero);
            for (; i < length; i++)
            {
                SimdScalar.Store(to + i, TElement.Load<SimdScalar>(head + (i * TElement.Size)));
            }
        }
    }
}

/// <summary>Q8_0: whole blocks of 32, an f16 factor and then the integers.</summary>
internal readonly unsafe struct KvQ8_0 : IKvFormat
{
    private const int Block = 32;
    private const int BlockBytes = 34;

    public static long Bytes(long elements) => elements / Block * BlockBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen<T>(byte* head, long length, float* to)
        where T : struct, ISimd<T>
    {
        for (float* end = to + length; to < end; to += Block, head += BlockBytes)
        {
            T factor = T.Create(SimdScalar.Sum(SimdScalar.LoadHalves((ushort*)head)));
            for (int i = 0; i < Block; i += T.Count)
            {
                T.Store(to + i, T.LoadBytes((sbyte*)head + sizeof(ushort) + i) * factor);
            }
        }
    }
}
