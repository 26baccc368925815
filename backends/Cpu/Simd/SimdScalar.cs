using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>One lane: what runs where a processor has no vectors, and what every wider copy of a loop can be held against.</summary>
internal readonly unsafe struct SimdScalar(float v) : ISimd<SimdScalar>
{
    private readonly float _v = v;

    public static int Count => 1;

    public static SimdScalar Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Create(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Load(float* from) => new(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar LoadHalves(ushort* from)
    {
        // As in the wider ones, which is shorter than the conversion of a Half.
        int placed = (*(short*)from << 13) & HalfBits.SignAndMagnitude;
        int value = BitConverter.SingleToInt32Bits(BitConverter.Int32BitsToSingle(placed) * HalfBits.Rebias);
        return new(BitConverter.Int32BitsToSingle((placed & HalfBits.Magnitude) > HalfBits.Largest ? value | HalfBits.Infinity : value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar LoadBrains(ushort* from) => new(BitConverter.UInt32BitsToSingle((uint)*from << 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar LoadBytes(sbyte* from) => new(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, SimdScalar x) => *to = x._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar operator +(SimdScalar a, SimdScalar b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar operator -(SimdScalar a, SimdScalar b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar operator *(SimdScalar a, SimdScalar b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar operator /(SimdScalar a, SimdScalar b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar MultiplyAdd(SimdScalar a, SimdScalar b, SimdScalar c) => new(float.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Max(SimdScalar a, SimdScalar b) => new(float.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar SelectLess(SimdScalar a, SimdScalar b, SimdScalar yes, SimdScalar no) => a._v < b._v ? yes : no;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar ScaleByPower(SimdScalar x, SimdScalar n) =>
        new(x._v * BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(n._v) << 23) + BitConverter.SingleToInt32Bits(1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(SimdScalar a, SimdScalar b, SimdScalar c, SimdScalar d, float* to)
    {
        to[0] = a._v;
        to[1] = b._v;
        to[2] = c._v;
        to[3] = d._v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(SimdScalar x) => x._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(SimdScalar x) => x._v;
}
