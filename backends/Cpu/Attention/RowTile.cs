using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>How many rows share a tile: four where 32 vector registers hold 16 accumulators, else two; then what is left.</summary>
internal static class RowTile
{
    private static bool HasManyRegisters
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx512F.VL.IsSupported || AdvSimd.IsSupported;
    }

    public static int Step<T>(int rows)
        where T : struct, ISimd<T> => rows >= 4 && HasManyRegisters ? 4 : rows >= 2 ? 2 : 1;
}
