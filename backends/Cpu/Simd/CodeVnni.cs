using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Eight columns, with AVX2 and AVX-VNNI.</summary>
internal readonly unsafe struct CodeVnni(Vector256<byte> v) : ICodeSimd<CodeVnni, Simd256>
{
    private readonly Vector256<byte> _v = v;

    public static CodeVnni Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<byte>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni Load(byte* codes) => new(Vector256.Load(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni Broadcast(void* from) => new(Vector256.Create(Unsafe.ReadUnaligned<int>(from)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni Four(CodeVnni bytes, int shift) => new(Shift(bytes, shift) & Vector256.Create((byte)0xF));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni Two(CodeVnni bytes, int shift) => new(Shift(bytes, shift) & Vector256.Create((byte)3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni PartA(CodeVnni codes) => codes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni PartB(CodeVnni codes) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni PartA(CodeVnni low, CodeVnni high) => new(low._v | (high._v.AsUInt16() << 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni MultiplyA(CodeVnni sums, CodeVnni a, CodeVnni x) =>
        new(AvxVnni.MultiplyWideningAndAdd(sums._v.AsInt32(), a._v, x._v.AsSByte()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni MultiplyB(CodeVnni sums, CodeVnni b, CodeVnni x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni Sum(CodeVnni a, CodeVnni b) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni SumOfNibbles(CodeVnni sums, CodeVnni others) => new((sums._v.AsInt32() + others._v.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni SumOfSextets(CodeVnni sums, CodeVnni others) => SumOfNibbles(sums, others);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeVnni AddShifted(CodeVnni x, CodeVnni y, int shift) => new((x._v.AsInt32() + (y._v.AsInt32() << shift)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 ToSingle(CodeVnni x) => new(Vector256.ConvertToSingle(x._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LowerBrain(CodeVnni x) => new((x._v.AsInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 UpperBrain(CodeVnni x) => new((x._v.AsInt32() & Vector256.Create(unchecked((int)0xFFFF0000))).AsSingle());

    /// <summary>What comes from the neighbouring byte is masked off.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Shift(CodeVnni bytes, int shift) => shift == 0 ? bytes._v : (bytes._v.AsUInt16() >>> shift).AsByte();
}
