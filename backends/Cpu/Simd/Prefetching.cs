using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>
/// Asks for lines of memory that are read later, to the second cache, since misses of the first are few at a time. An address need not
/// be mapped. On Arm nothing, where .NET has no such instruction.
/// </summary>
internal static unsafe class Prefetching
{
    private const int LineBytes = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lines4(byte* at)
    {
        Line(at);
        Line(at + LineBytes);
        Line(at + (2 * LineBytes));
        Line(at + (3 * LineBytes));
    }

    public static void Lines(byte* first, byte* end)
    {
        for (byte* at = first; at < end; at += LineBytes)
        {
            Line(at);
        }
    }
}
