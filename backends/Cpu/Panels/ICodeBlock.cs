using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// How the codes of 16 columns lie in a block of 32 elements, read in steps: a step gives two vectors, which are the parts of the codes
/// of one quad of k, or the codes of two quads. A group of elements with one scale is the whole block or each half of it.
/// </summary>
internal unsafe interface ICodeBlock
{
    /// <summary>Steps of a group.</summary>
    static abstract int Steps { get; }

    /// <summary>Groups of a block.</summary>
    static abstract int Groups { get; }

    /// <summary>The second vector of a step is no part b, but the codes (u4, u6) of the quad <see cref="Steps"/> further on.</summary>
    static abstract bool IsPair { get; }

    /// <summary>The offset of the codes is 2 to this power; 0 where there is none.</summary>
    static abstract int OffsetLog2 { get; }

    /// <summary>The type has mins.</summary>
    static abstract bool HasMins { get; }

    /// <summary>Bytes of a block where there is one part of the panel, or of the low bits.</summary>
    static abstract int Bytes { get; }

    /// <summary>Bytes of a block in the part of the upper bits.</summary>
    static abstract int HighBytes { get; }

    /// <summary>The first vector of a step.</summary>
    static abstract T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F>;

    /// <summary>The second.</summary>
    static abstract T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F>;
}

/// <summary>A constant of a generic type.</summary>
internal interface IFlag
{
    static abstract bool IsSet { get; }
}

internal readonly struct Yes : IFlag
{
    public static bool IsSet => true;
}

internal readonly struct No : IFlag
{
    public static bool IsSet => false;
}

/// <summary>u8 codes, a scale for each 32: Q8_0, packed.</summary>
internal readonly unsafe struct Bytes32 : ICodeBlock
{
    public static int Steps => 8;

    public static int Groups => 1;

    public static bool IsPair => false;

    public static int OffsetLog2 => 7;

    public static bool HasMins => false;

    public static int Bytes => 512;

    public static int HighBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.PartA(T.Load(codes + (64 * step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.PartB(T.Load(codes + (64 * step)));
}

/// <summary>u6 codes in bytes of their own, a scale for each 16: Q6_K, unpacked.</summary>
internal readonly unsafe struct Bytes16 : ICodeBlock
{
    public static int Steps => 2;

    public static int Groups => 2;

    public static bool IsPair => true;

    public static int OffsetLog2 => 5;

    public static bool HasMins => false;

    public static int Bytes => 512;

    public static int HighBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Load(codes + (256 * half) + (64 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Load(codes + (256 * half) + 128 + (64 * step));
}

/// <summary>u4 codes in bytes of their own, a scale for each 32: Q4_0, and Q4_K with mins, unpacked.</summary>
internal readonly unsafe struct WideNibbles<TMins> : ICodeBlock
    where TMins : struct, IFlag
{
    public static int Steps => 4;

    public static int Groups => 1;

    public static bool IsPair => true;

    public static int OffsetLog2 => TMins.IsSet ? 0 : 3;

    public static bool HasMins => TMins.IsSet;

    public static int Bytes => 512;

    public static int HighBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Load(codes + (64 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Load(codes + 256 + (64 * step));
}

/// <summary>u4 codes, two in a byte, a scale for each 32: Q4_0, and Q4_K with mins, packed.</summary>
internal readonly unsafe struct Nibbles<TMins> : ICodeBlock
    where TMins : struct, IFlag
{
    public static int Steps => 4;

    public static int Groups => 1;

    public static bool IsPair => true;

    public static int OffsetLog2 => TMins.IsSet ? 0 : 3;

    public static bool HasMins => TMins.IsSet;

    public static int Bytes => 256;

    public static int HighBytes => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Four(T.Load(codes + (64 * step)), 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Four(T.Load(codes + (64 * step)), 4);
}

/// <summary>u6 codes in parts of four and two bits, a scale for each 16: Q6_K, packed.</summary>
internal readonly unsafe struct Sextets : ICodeBlock
{
    public static int Steps => 4;

    public static int Groups => 2;

    public static bool IsPair => false;

    public static int OffsetLog2 => 5;

    public static bool HasMins => false;

    public static int Bytes => 256;

    public static int HighBytes => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T A<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.PartA(T.Four(T.Load(codes + (64 * step)), 4 * half), B<T, F>(codes, high, half, step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T B<T, F>(byte* codes, byte* high, int half, long step)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => T.Two(T.Load(high + (64 * (step & 1))), (4 * half) + (int)(step & 2));
}
