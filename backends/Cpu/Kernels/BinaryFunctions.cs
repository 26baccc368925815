using System.Numerics;
using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>A function of two elements.</summary>
internal interface IPairFunction<TA, TB, TR>
{
    static abstract TR Invoke(TA a, TB b);
}

/// <summary>A function of two elements of one type that a vector has too, with the same bits.</summary>
internal interface IVectorFunction<T> : IPairFunction<T, T, T>
{
    static abstract Vector<T> Invoke(Vector<T> a, Vector<T> b);
}

internal readonly struct Add<T> : IVectorFunction<T>
    where T : INumber<T>
{
    public static T Invoke(T a, T b) => a + b;

    public static Vector<T> Invoke(Vector<T> a, Vector<T> b) => a + b;
}

internal readonly struct Subtract<T> : IVectorFunction<T>
    where T : INumber<T>
{
    public static T Invoke(T a, T b) => a - b;

    public static Vector<T> Invoke(Vector<T> a, Vector<T> b) => a - b;
}

internal readonly struct Multiply<T> : IVectorFunction<T>
    where T : INumber<T>
{
    public static T Invoke(T a, T b) => a * b;

    public static Vector<T> Invoke(Vector<T> a, Vector<T> b) => a * b;
}

internal readonly struct Divide : IVectorFunction<float>
{
    public static float Invoke(float a, float b) => a / b;

    public static Vector<float> Invoke(Vector<float> a, Vector<float> b) => a / b;
}

internal readonly struct Minimum<T> : IVectorFunction<T>
    where T : INumber<T>
{
    public static T Invoke(T a, T b) => T.Min(a, b);

    public static Vector<T> Invoke(Vector<T> a, Vector<T> b) => Vector.Min(a, b);
}

internal readonly struct Maximum<T> : IVectorFunction<T>
    where T : INumber<T>
{
    public static T Invoke(T a, T b) => T.Max(a, b);

    public static Vector<T> Invoke(Vector<T> a, Vector<T> b) => Vector.Max(a, b);
}

internal readonly struct Equal<T> : IPairFunction<T, T, bool>
    where T : INumber<T>
{
    public static bool Invoke(T a, T b) => a == b;
}

internal readonly struct Less<T> : IPairFunction<T, T, bool>
    where T : INumber<T>
{
    public static bool Invoke(T a, T b) => a < b;
}

internal readonly struct LessOrEqual<T> : IPairFunction<T, T, bool>
    where T : INumber<T>
{
    public static bool Invoke(T a, T b) => a <= b;
}

internal readonly struct And : IPairFunction<byte, byte, bool>
{
    public static bool Invoke(byte a, byte b) => a != 0 && b != 0;
}

internal readonly struct MaskedFill : IPairFunction<float, byte, float>
{
    public static float Invoke(float x, byte mask) => mask != 0 ? x : float.NegativeInfinity;
}

/// <summary>The loops around the functions. Scalar equivalent: y[i] = f(a[i * strideA], b[i * strideB]).</summary>
internal static unsafe class BinaryLoops
{
    public static void Scalars<TA, TB, TR, TF>(byte* a, long strideA, byte* b, long strideB, byte* y, long count)
        where TA : unmanaged
        where TB : unmanaged
        where TR : unmanaged
        where TF : struct, IPairFunction<TA, TB, TR>
    {
        for (long i = 0; i < count; i++)
        {
            ((TR*)y)[i] = TF.Invoke(((TA*)a)[i * strideA], ((TB*)b)[i * strideB]);
        }
    }

    public static void Vectors<T, TF>(byte* a, long strideA, byte* b, long strideB, byte* y, long count)
        where T : unmanaged
        where TF : struct, IVectorFunction<T>
    {
        long i = 0;
        if (strideA is 0 or 1 && strideB is 0 or 1)
        {
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                Vector.Store(TF.Invoke(Load((T*)a, strideA, i), Load((T*)b, strideB, i)), (T*)y + i);
            }
        }

        Scalars<T, T, T, TF>(
            (byte*)((T*)a + (i * strideA)), strideA, (byte*)((T*)b + (i * strideB)), strideB, (byte*)((T*)y + i), count - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Load<T>(T* x, long stride, long i)
        where T : unmanaged => stride == 1 ? Vector.Load(x + i) : Vector.Create(*x);
}
