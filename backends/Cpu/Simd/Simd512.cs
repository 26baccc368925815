using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Sixteen lanes.</summary>
internal readonly unsafe struct Simd512(Vector512<float> v) : ISimd<Simd512>
{
    private readonly Vector512<float> _v = v;

    public static int Count => Vector512<float>.Count;

    public static Simd512 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector512<float>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Create(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Load(float* from) => new(Vector512.Load(from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadHalves(ushort* from)
    {
        // Sign, exponent and fraction in their places: the exponent is 112 too small, which the product mends, subnormals included.
        Vector512<int> placed = (Widen((short*)from) << 13) & Vector512.Create(HalfBits.SignAndMagnitude);
        Vector512<int> value = (placed.AsSingle() * Vector512.Create(HalfBits.Rebias)).AsInt32();
        Vector512<int> top = Vector512.GreaterThan(placed & Vector512.Create(HalfBits.Magnitude), Vector512.Create(HalfBits.Largest));
        return new((value | (top & Vector512.Create(HalfBits.Infinity))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadBrains(ushort* from) => new((Widen((short*)from) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadBytes(sbyte* from) => new(Vector512.ConvertToSingle(Widen(from)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, Simd512 x) => x._v.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator +(Simd512 a, Simd512 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator -(Simd512 a, Simd512 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator *(Simd512 a, Simd512 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator /(Simd512 a, Simd512 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 MultiplyAdd(Simd512 a, Simd512 b, Simd512 c) => new(Vector512.MultiplyAddEstimate(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Max(Simd512 a, Simd512 b) => new(Vector512.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 SelectLess(Simd512 a, Simd512 b, Simd512 yes, Simd512 no) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(a._v, b._v), yes._v, no._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 ScaleByPower(Simd512 x, Simd512 n) =>
        new(x._v * ((n._v.AsInt32() << 23) + Vector512<float>.One.AsInt32()).AsSingle());

    /// <remarks>
    /// The sums of a, b, c and d come to lie side by side in each four lanes; then the fours are added, halves first.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(Simd512 a, Simd512 b, Simd512 c, Simd512 d, float* to)
    {
        if (!Avx512F.IsSupported)
        {
            Simd256.StoreSums(Halve(a._v), Halve(b._v), Halve(c._v), Halve(d._v), to);
            return;
        }

        Vector512<double> ab = (Avx512F.UnpackLow(a._v, b._v) + Avx512F.UnpackHigh(a._v, b._v)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c._v, d._v) + Avx512F.UnpackHigh(c._v, d._v)).AsDouble();
        Vector512<float> fours = Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle();
        Vector256<float> halves = fours.GetLower() + fours.GetUpper();
        (halves.GetLower() + halves.GetUpper()).Store(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd512 x) => Simd256.Sum(Halve(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Simd512 x) => Simd256.MaxLane(new(Vector256.MaxNative(x._v.GetLower(), x._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Simd256 Halve(Vector512<float> x) => new(x.GetLower() + x.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(short* from)
    {
        Vector256<short> x = Vector256.Load(from);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(x)
            : Vector512.Create(Vector256.WidenLower(x), Vector256.WidenUpper(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(sbyte* from)
    {
        Vector128<sbyte> x = Vector128.Load(from);
        Vector256<short> wide = Vector256.Create(Vector128.WidenLower(x), Vector128.WidenUpper(x));
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(x)
            : Vector512.Create(Vector256.WidenLower(wide), Vector256.WidenUpper(wide));
    }
}
