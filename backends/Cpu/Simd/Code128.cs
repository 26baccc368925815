using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Four columns, on any processor.</summary>
internal readonly unsafe struct Code128(Vector128<byte> v) : ICodeSimd<Code128, Simd128>
{
    private readonly Vector128<byte> _v = v;

    public static Code128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<byte>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 Load(byte* codes) => new(Vector128.Load(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 Broadcast(void* from) => new(Vector128.Create(Unsafe.ReadUnaligned<int>(from)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 Four(Code128 bytes, int shift) => new(Shift(bytes, shift) & Vector128.Create((byte)0xF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 Two(Code128 bytes, int shift) => new(Shift(bytes, shift) & Vector128.Create((byte)3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 PartA(Code128 codes) => Four(codes, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 PartB(Code128 codes) => Four(codes, 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 PartA(Code128 low, Code128 high) => low;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 MultiplyA(Code128 sums, Code128 a, Code128 x) =>
        new((sums._v.AsInt16() + MultiplyPairs(a._v, x._v.AsSByte())).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 MultiplyB(Code128 sums, Code128 b, Code128 x) => MultiplyA(sums, b, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 Sum(Code128 a, Code128 b) => new((
        MultiplyPairs(a._v.AsInt16(), Vector128.Create((short)1))
        + MultiplyPairs(b._v.AsInt16(), Vector128.Create((short)16))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 SumOfNibbles(Code128 sums, Code128 others) =>
        new(MultiplyPairs(sums._v.AsInt16() + others._v.AsInt16(), Vector128.Create((short)1)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 SumOfSextets(Code128 sums, Code128 others) => new((
        MultiplyPairs(sums._v.AsInt16(), Vector128.Create((short)1))
        + MultiplyPairs(others._v.AsInt16(), Vector128.Create((short)1))).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Code128 AddShifted(Code128 x, Code128 y, int shift) => new((x._v.AsInt32() + (y._v.AsInt32() << shift)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 ToSingle(Code128 x) => new(Vector128.ConvertToSingle(x._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LowerBrain(Code128 x) => new((x._v.AsInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 UpperBrain(Code128 x) => new((x._v.AsInt32() & Vector128.Create(unchecked((int)0xFFFF0000))).AsSingle());

    /// <summary>What comes from the neighbouring byte is masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Shift(Code128 bytes, int shift) => shift == 0 ? bytes._v : (bytes._v.AsUInt16() >>> shift).AsByte();

    /// <summary>Bytes 2 i and 2 i + 1 of both, multiplied and added, in s16 i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> MultiplyPairs(Vector128<byte> codes, Vector128<sbyte> x)
    {
        if (Ssse3.IsSupported)
        {
            return Ssse3.MultiplyAddAdjacent(codes, x);
        }

        Vector128<short> even = (codes.AsInt16() & Vector128.Create((short)0xFF)) * ((x.AsInt16() << 8) >> 8);
        return even + ((codes.AsInt16() >>> 8) * (x.AsInt16() >> 8));
    }

    /// <summary>s16 2 i and 2 i + 1 of both, multiplied and added, in i32 i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> MultiplyPairs(Vector128<short> sums, Vector128<short> factors)
    {
        if (Sse2.IsSupported)
        {
            return Sse2.MultiplyAddAdjacent(sums, factors);
        }

        Vector128<int> even = ((sums.AsInt32() << 16) >> 16) * ((factors.AsInt32() << 16) >> 16);
        return even + ((sums.AsInt32() >> 16) * (factors.AsInt32() >> 16));
    }
}
