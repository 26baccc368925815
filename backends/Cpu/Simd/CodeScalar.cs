using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>One column, without vectors.</summary>
internal readonly unsafe struct CodeScalar(int v) : ICodeSimd<CodeScalar, SimdScalar>
{
    private readonly int _v = v;

    public static CodeScalar Zero => default;

    public static CodeScalar Load(byte* codes) => Broadcast(codes);

    public static CodeScalar Broadcast(void* from) => new(Unsafe.ReadUnaligned<int>(from));

    public static CodeScalar Four(CodeScalar bytes, int shift) => new((bytes._v >>> shift) & 0x0F0F0F0F);

    public static CodeScalar Two(CodeScalar bytes, int shift) => new((bytes._v >>> shift) & 0x03030303);

    public static CodeScalar PartA(CodeScalar codes) => codes;

    public static CodeScalar PartB(CodeScalar codes) => default;

    public static CodeScalar PartA(CodeScalar low, CodeScalar high) => new(low._v | (high._v << 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CodeScalar MultiplyA(CodeScalar sums, CodeScalar a, CodeScalar x)
    {
        int sum = sums._v;
        for (int shift = 0; shift < 32; shift += 8)
        {
            sum += (byte)(a._v >> shift) * (sbyte)(x._v >> shift);
        }

        return new(sum);
    }

    public static CodeScalar MultiplyB(CodeScalar sums, CodeScalar b, CodeScalar x) => default;

    public static CodeScalar Sum(CodeScalar a, CodeScalar b) => a;

    public static CodeScalar SumOfNibbles(CodeScalar sums, CodeScalar others) => new(sums._v + others._v);

    public static CodeScalar SumOfSextets(CodeScalar sums, CodeScalar others) => SumOfNibbles(sums, others);

    public static CodeScalar AddShifted(CodeScalar x, CodeScalar y, int shift) => new(x._v + (y._v << shift));

    public static SimdScalar ToSingle(CodeScalar x) => new(x._v);

    public static SimdScalar LowerBrain(CodeScalar x) => new(BitConverter.Int32BitsToSingle(x._v << 16));

    public static SimdScalar UpperBrain(CodeScalar x) => new(BitConverter.Int32BitsToSingle(x._v & unchecked((int)0xFFFF0000)));
}
