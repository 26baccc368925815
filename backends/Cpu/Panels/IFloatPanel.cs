using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>How the weights of 16 columns lie in a panel of a float type, in pairs of k.</summary>
internal unsafe interface IFloatPanel
{
    /// <summary>Bytes of two k of 16 columns.</summary>
    static abstract int PairBytes { get; }

    /// <summary>Bytes from a column to the next.</summary>
    static abstract int ColumnBytes { get; }

    /// <summary>The weights of the first k of a pair.</summary>
    static abstract F Even<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F>;

    /// <summary>Those of the second.</summary>
    static abstract F Odd<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F>;
}

/// <summary>f32[K][16].</summary>
internal readonly unsafe struct FloatPanel : IFloatPanel
{
    public static int PairBytes => 128;

    public static int ColumnBytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Even<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => F.Load((float*)pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Odd<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => F.Load((float*)(pair + 64));
}

/// <summary>f16[K][16].</summary>
internal readonly unsafe struct HalfPanel : IFloatPanel
{
    public static int PairBytes => 64;

    public static int ColumnBytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Even<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => F.LoadHalves((ushort*)pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Odd<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => F.LoadHalves((ushort*)(pair + 32));
}

/// <summary>bf16[K/2][16][2].</summary>
internal readonly unsafe struct BrainPanel : IFloatPanel
{
    public static int PairBytes => 64;

    public static int ColumnBytes => 2 * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Even<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.LowerBrain(T.Load(pair));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F Odd<T, F>(byte* pair)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.UpperBrain(T.Load(pair));
}
