using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Eight columns, with AVX2.</summary>
internal readonly unsafe struct Code256(Vector256<byte> v) : ICodeSimd<Code256, Simd256>
{
    private readonly Vector256<byte> _v = v;

    public static Code256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<byte>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 Load(byte* codes) => new(Vector256.Load(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 Broadcast(void* from) => new(Vector256.Create(Unsafe.ReadUnaligned<int>(from)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 Four(Code256 bytes, int shift) => new(Shift(bytes, shift) & Vector256.Create((byte)0xF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 Two(Code256 bytes, int shift) => new(Shift(bytes, shift) & Vector256.Create((byte)3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 PartA(Code256 codes) => Four(codes, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 PartB(Code256 codes) => Four(codes, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 PartA(Code256 low, Code256 high) => low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 MultiplyA(Code256 sums, Code256 a, Code256 x) =>
        new((sums._v.AsInt16() + Avx2.MultiplyAddAdjacent(a._v, x._v.AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 MultiplyB(Code256 sums, Code256 b, Code256 x) => MultiplyA(sums, b, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 Sum(Code256 a, Code256 b) => new((
        Avx2.MultiplyAddAdjacent(a._v.AsInt16(), Vector256.Create((short)1))
        + Avx2.MultiplyAddAdjacent(b._v.AsInt16(), Vector256.Create((short)16))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 SumOfNibbles(Code256 sums, Code256 others) =>
        new(Avx2.MultiplyAddAdjacent(sums._v.AsInt16() + others._v.AsInt16(), Vector256.Create((short)1)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 SumOfSextets(Code256 sums, Code256 others) => new((
        Avx2.MultiplyAddAdjacent(sums._v.AsInt16(), Vector256.Create((short)1))
        + Avx2.MultiplyAddAdjacent(others._v.AsInt16(), Vector256.Create((short)1))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code256 AddShifted(Code256 x, Code256 y, int shift) => new((x._v.AsInt32() + (y._v.AsInt32() << shift)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 ToSingle(Code256 x) => new(Vector256.ConvertToSingle(x._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LowerBrain(Code256 x) => new((x._v.AsInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 UpperBrain(Code256 x) => new((x._v.AsInt32() & Vector256.Create(unchecked((int)0xFFFF0000))).AsSingle());

    /// <summary>What comes from the neighbouring byte is masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Shift(Code256 bytes, int shift) => shift == 0 ? bytes._v : (bytes._v.AsUInt16() >>> shift).AsByte();
}
