using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Eight lanes.</summary>
internal readonly unsafe struct Simd256(Vector256<float> v) : ISimd<Simd256>
{
    private readonly Vector256<float> _v = v;

    public static int Count => Vector256<float>.Count;

    public static Simd256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Create(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Load(float* from) => new(Vector256.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadHalves(ushort* from)
    {
        // Sign, exponent and fraction in their places: the exponent is 112 too small, which the product mends, subnormals included.
        Vector256<int> placed = (Widen((short*)from) << 13) & Vector256.Create(HalfBits.SignAndMagnitude);
        Vector256<int> value = (placed.AsSingle() * Vector256.Create(HalfBits.Rebias)).AsInt32();
        Vector256<int> top = Vector256.GreaterThan(placed & Vector256.Create(HalfBits.Magnitude), Vector256.Create(HalfBits.Largest));
        return new((value | (top & Vector256.Create(HalfBits.Infinity))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadBrains(ushort* from) => new((Widen((short*)from) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadBytes(sbyte* from) => new(Vector256.ConvertToSingle(Widen(from)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, Simd256 x) => x._v.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator +(Simd256 a, Simd256 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator -(Simd256 a, Simd256 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator *(Simd256 a, Simd256 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator /(Simd256 a, Simd256 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 MultiplyAdd(Simd256 a, Simd256 b, Simd256 c) => new(Vector256.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Max(Simd256 a, Simd256 b) => new(Vector256.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 SelectLess(Simd256 a, Simd256 b, Simd256 yes, Simd256 no) =>
        new(Vector256.ConditionalSelect(Vector256.LessThan(a._v, b._v), yes._v, no._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 ScaleByPower(Simd256 x, Simd256 n) =>
        new(x._v * ((n._v.AsInt32() << 23) + Vector256<float>.One.AsInt32()).AsSingle());

    /// <remarks>
    /// The sums of a, b, c and d come to lie side by side in each four lanes; then the fours are added, halves first.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(Simd256 a, Simd256 b, Simd256 c, Simd256 d, float* to)
    {
        if (!Avx.IsSupported)
        {
            Simd128.StoreSums(Halve(a._v), Halve(b._v), Halve(c._v), Halve(d._v), to);
            return;
        }

        Vector256<double> ab = (Avx.UnpackLow(a._v, b._v) + Avx.UnpackHigh(a._v, b._v)).AsDouble();
        Vector256<double> cd = (Avx.UnpackLow(c._v, d._v) + Avx.UnpackHigh(c._v, d._v)).AsDouble();
        Vector256<float> fours = Avx.UnpackLow(ab, cd).AsSingle() + Avx.UnpackHigh(ab, cd).AsSingle();
        (fours.GetLower() + fours.GetUpper()).Store(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd256 x) => Simd128.Sum(Halve(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Simd256 x) => Simd128.MaxLane(new(Vector128.MaxNative(x._v.GetLower(), x._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Simd128 Halve(Vector256<float> x) => new(x.GetLower() + x.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(short* from)
    {
        Vector128<short> x = Vector128.Load(from);
        return Avx2.IsSupported ? Avx2.ConvertToVector256Int32(x) : Vector256.Create(Vector128.WidenLower(x), Vector128.WidenUpper(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(sbyte* from)
    {
        Vector128<sbyte> x = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(from)).AsSByte();
        Vector128<short> low = Vector128.WidenLower(x);
        return Avx2.IsSupported ? Avx2.ConvertToVector256Int32(x) : Vector256.Create(Vector128.WidenLower(low), Vector128.WidenUpper(low));
    }
}
