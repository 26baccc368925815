using System.Runtime.Intrinsics;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>A width of vectors; the value is the number of f32 lanes.</summary>
internal enum SimdWidth
{
    Scalar = 1,
    Bits128 = 4,
    Bits256 = 8,
    Bits512 = 16,
}

internal static class SimdWidths
{
    /// <summary>The widths that this processor has, the widest first.</summary>
    public static IReadOnlyList<SimdWidth> All { get; } = [.. Enum.GetValues<SimdWidth>().OrderDescending().Where(IsAccelerated)];

    public static SimdWidth Widest => All[0];

    private static bool IsAccelerated(SimdWidth width) => width switch
    {
        SimdWidth.Bits512 => Vector512.IsHardwareAccelerated,
        SimdWidth.Bits256 => Vector256.IsHardwareAccelerated,
        SimdWidth.Bits128 => Vector128.IsHardwareAccelerated,
        _ => true,
    };
}
