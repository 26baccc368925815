using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>One width of vector, as the loops that measure peaks need it.</summary>
internal unsafe interface IPeakLanes<TVector>
    where TVector : struct
{
    static abstract TVector Create(float value);

    /// <summary>a * b + c, in one instruction where there is one.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    static abstract TVector Load(float* source);

    /// <summary>Any cheap function of both.</summary>
    static abstract TVector Merge(TVector a, TVector b);

    static abstract float First(TVector vector);
}

internal readonly unsafe struct Lanes512 : IPeakLanes<Vector512<float>>
{
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.MultiplyAddEstimate(a, b, c);

    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    public static Vector512<float> Merge(Vector512<float> a, Vector512<float> b) => a | b;

    public static float First(Vector512<float> vector) => vector[0];
}

internal readonly unsafe struct Lanes256 : IPeakLanes<Vector256<float>>
{
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.MultiplyAddEstimate(a, b, c);

    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    public static Vector256<float> Merge(Vector256<float> a, Vector256<float> b) => a | b;

    public static float First(Vector256<float> vector) => vector[0];
}

internal readonly unsafe struct Lanes128 : IPeakLanes<Vector128<float>>
{
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.MultiplyAddEstimate(a, b, c);

    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    public static Vector128<float> Merge(Vector128<float> a, Vector128<float> b) => a | b;

    public static float First(Vector128<float> vector) => vector[0];
}

/// <summary>For machines whose vectors .NET does not know; its substitutes for them are far slower than scalars.</summary>
internal readonly unsafe struct Lanes32 : IPeakLanes<float>
{
    public static float Create(float value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    public static float Load(float* source) => *source;

    public static float Merge(float a, float b) => a + b;

    public static float First(float vector) => vector;
}
