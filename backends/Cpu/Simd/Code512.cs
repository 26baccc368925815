using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Sixteen columns, with AVX-512 (BW).</summary>
internal readonly unsafe struct Code512(Vector512<byte> v) : ICodeSimd<Code512, Simd512>
{
    private readonly Vector512<byte> _v = v;

    public static Code512 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector512<byte>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 Load(byte* codes) => new(Vector512.Load(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 Broadcast(void* from) => new(Vector512.Create(Unsafe.ReadUnaligned<int>(from)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 Four(Code512 bytes, int shift) => new(Shift(bytes, shift) & Vector512.Create((byte)0xF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 Two(Code512 bytes, int shift) => new(Shift(bytes, shift) & Vector512.Create((byte)3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 PartA(Code512 codes) => Four(codes, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 PartB(Code512 codes) => Four(codes, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 PartA(Code512 low, Code512 high) => low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 MultiplyA(Code512 sums, Code512 a, Code512 x) =>
        new((sums._v.AsInt16() + Avx512BW.MultiplyAddAdjacent(a._v, x._v.AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 MultiplyB(Code512 sums, Code512 b, Code512 x) => MultiplyA(sums, b, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 Sum(Code512 a, Code512 b) => new((
        Avx512BW.MultiplyAddAdjacent(a._v.AsInt16(), Vector512.Create((short)1))
        + Avx512BW.MultiplyAddAdjacent(b._v.AsInt16(), Vector512.Create((short)16))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 SumOfNibbles(Code512 sums, Code512 others) =>
        new(Avx512BW.MultiplyAddAdjacent(sums._v.AsInt16() + others._v.AsInt16(), Vector512.Create((short)1)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 SumOfSextets(Code512 sums, Code512 others) => new((
        Avx512BW.MultiplyAddAdjacent(sums._v.AsInt16(), Vector512.Create((short)1))
        + Avx512BW.MultiplyAddAdjacent(others._v.AsInt16(), Vector512.Create((short)1))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code512 AddShifted(Code512 x, Code512 y, int shift) => new((x._v.AsInt32() + (y._v.AsInt32() << shift)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 ToSingle(Code512 x) => new(Vector512.ConvertToSingle(x._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LowerBrain(Code512 x) => new((x._v.AsInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 UpperBrain(Code512 x) => new((x._v.AsInt32() & Vector512.Create(unchecked((int)0xFFFF0000))).AsSingle());

    /// <summary>What comes from the neighbouring byte is masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Shift(Code512 bytes, int shift) => shift == 0 ? bytes._v : (bytes._v.AsUInt16() >>> shift).AsByte();
}
