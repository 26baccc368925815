using System.Numerics;
using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>An f32 function of one element, written for a vector; the loops around it are <see cref="Lanes"/>.</summary>
internal interface IUnaryFunction
{
    static abstract Vector<float> Invoke(Vector<float> x);
}

/// <summary>
/// Loops over rows of f32 that lie side by side. The last elements are padded to a whole vector, so that an element's bits depend
/// neither on its place nor on the length. Scalar equivalent: y[i] = f(x[i]), or the sum or maximum of the row in lanes.
/// </summary>
internal static unsafe class Lanes
{
    public static void Map<T>(float* x, float* y, long length)
        where T : struct, IUnaryFunction
    {
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            T.Invoke(Vector.Load(x + i)).Store(y + i);
        }

        if (i < length)
        {
            StorePart(T.Invoke(LoadPart(x + i, length - i)), y + i, length - i);
        }
    }

    /// <summary>The first <paramref name="count"/> lanes, the others 0.</summary>
    public static Vector<float> LoadPart(float* x, long count)
    {
        float* lanes = stackalloc float[Vector<float>.Count];
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            lanes[i] = i < count ? x[i] : 0;
        }

        return Vector.Load(lanes);
    }

    public static void StorePart(Vector<float> value, float* y, long count)
    {
        for (int i = 0; i < count; i++)
        {
            y[i] = value[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum(float* x, long length)
    {
        Vector<float> lanes = Vector<float>.Zero;
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            lanes += Vector.Load(x + i);
        }

        float sum = Vector.Sum(lanes);
        for (; i < length; i++)
        {
            sum += x[i];
        }

        return sum;
    }

    /// <summary>Sum of squares in f64: neither 1e30 nor 1e-30 leaves its range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(float* x, long length)
    {
        Vector<double> lanes = Vector<double>.Zero;
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(x + i), out Vector<double> low, out Vector<double> high);
            lanes += (low * low) + (high * high);
        }

        double sum = Vector.Sum(lanes);
        for (; i < length; i++)
        {
            sum += (double)x[i] * x[i];
        }

        return sum;
    }

    /// <summary>The largest element; NaN if there is one.</summary>
    public static float Max(float* x, long length)
    {
        Vector<float> lanes = Vector.Create(float.NegativeInfinity);
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            lanes = Vector.Max(lanes, Vector.Load(x + i));
        }

        float most = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
        {
            most = MathF.Max(most, lanes[lane]);
        }

        for (; i < length; i++)
        {
            most = MathF.Max(most, x[i]);
        }

        return most;
    }

    /// <summary>y = a + b.</summary>
    public static void Add(float* a, float* b, float* y, long length) =>
        BinaryLoops.Vectors<float, Add<float>>((byte*)a, 1, (byte*)b, 1, (byte*)y, length);

    /// <summary>y = x * factor.</summary>
    public static void Scale(float* x, float factor, float* y, long length)
    {
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (Vector.Load(x + i) * factor).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] = x[i] * factor;
        }
    }

    /// <summary>y = exp(x - max) and the sum of y; the softmax's numerators and denominator.</summary>
    public static float ExpSum(float* x, float max, float* y, long length)
    {
        Vector<float> shift = Vector.Create(max);
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Exp(Vector.Load(x + i) - shift).Store(y + i);
        }

        if (i < length)
        {
            StorePart(Vector.Exp(LoadPart(x + i, length - i) - shift), y + i, length - i);
        }

        return Sum(y, length);
    }
}
