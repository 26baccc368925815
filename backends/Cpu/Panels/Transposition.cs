using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Transposes small matrices in registers, for packing: rows of a weight matrix become columns of a panel.</summary>
internal static unsafe class Transposition
{
    private const int Columns = PanelLayout.Columns;

    /// <summary>Four words of 32 bits of each of four rows: word i of row n goes to to[16 i + n].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Words(Vector128<byte> r0, Vector128<byte> r1, Vector128<byte> r2, Vector128<byte> r3, uint* to)
    {
        (Vector128<ulong> a, Vector128<ulong> b) = (Zip(r0.AsUInt32(), r1.AsUInt32()), ZipUpper(r0.AsUInt32(), r1.AsUInt32()));
        (Vector128<ulong> c, Vector128<ulong> d) = (Zip(r2.AsUInt32(), r3.AsUInt32()), ZipUpper(r2.AsUInt32(), r3.AsUInt32()));
        Zip(a, c).Store(to);
        ZipUpper(a, c).Store(to + Columns);
        Zip(b, d).Store(to + (2 * Columns));
        ZipUpper(b, d).Store(to + (3 * Columns));
    }

    /// <summary>Eight halves of 16 bits of each of four rows: half i of row n goes to to[16 i + n].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(Vector128<ushort> r0, Vector128<ushort> r1, Vector128<ushort> r2, Vector128<ushort> r3, ushort* to)
    {
        (Vector128<uint> a, Vector128<uint> b) = (Zip(r0, r1), ZipUpper(r0, r1));
        (Vector128<uint> c, Vector128<uint> d) = (Zip(r2, r3), ZipUpper(r2, r3));
        StoreTwo(Zip(a, c), to);
        StoreTwo(ZipUpper(a, c), to + (2 * Columns));
        StoreTwo(Zip(b, d), to + (4 * Columns));
        StoreTwo(ZipUpper(b, d), to + (6 * Columns));
    }

    private static void StoreTwo(Vector128<ulong> two, ushort* to)
    {
        *(ulong*)to = two.ToScalar();
        *(ulong*)(to + Columns) = two.GetElement(1);
    }

    /// <summary>Lower words of both in turn.</summary>
    private static Vector128<ulong> Zip(Vector128<uint> a, Vector128<uint> b) => (
        Sse2.IsSupported ? Sse2.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1])).AsUInt64();

    /// <summary>Upper words of both in turn.</summary>
    private static Vector128<ulong> ZipUpper(Vector128<uint> a, Vector128<uint> b) => (
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3])).AsUInt64();

    private static Vector128<uint> Zip(Vector128<ushort> a, Vector128<ushort> b) => (
        Sse2.IsSupported ? Sse2.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3])).AsUInt32();

    private static Vector128<uint> ZipUpper(Vector128<ushort> a, Vector128<ushort> b) => (
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7])).AsUInt32();

    private static Vector128<uint> Zip(Vector128<ulong> a, Vector128<ulong> b) => (
        Sse2.IsSupported ? Sse2.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0])).AsUInt32();

    private static Vector128<uint> ZipUpper(Vector128<ulong> a, Vector128<ulong> b) => (
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[1], b[1])).AsUInt32();
}
