using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>How a head of K or V is stored.</summary>
internal unsafe interface IKvFormat
{
    static abstract long Bytes(long elements);

    /// <summary>Elements i, i + 1, .. of a head as f32.</summary>
    static abstract T Load<T>(byte* head, long i)
        where T : struct, ISimd<T>;
}

internal readonly unsafe struct KvF32 : IKvFormat
{
    public static long Bytes(long elements) => elements * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, long i)
        where T : struct, ISimd<T> => T.Load((float*)head + i);
}

internal readonly unsafe struct KvF16 : IKvFormat
{
    public static long Bytes(long elements) => elements * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, long i)
        where T : struct, ISimd<T> => T.LoadHalves((ushort*)head + i);
}

internal readonly unsafe struct KvBF16 : IKvFormat
{
    public static long Bytes(long elements) => elements * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, long i)
        where T : struct, ISimd<T> => T.LoadBrains((ushort*)head + i);
}

/// <summary>Whole blocks of 32: an f16 factor, then 32 integers.</summary>
internal readonly unsafe struct KvQ8 : IKvFormat
{
    private const int Block = 32;
    private const int BlockBytes = 34;

    public static long Bytes(long elements) => elements / Block * BlockBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* head, long i)
        where T : struct, ISimd<T>
    {
        byte* block = head + (i / Block * BlockBytes);
        return T.LoadBytes((sbyte*)block + sizeof(ushort) + (i % Block)) * T.Create(SimdScalar.Sum(SimdScalar.LoadHalves((ushort*)block)));
    }
}
