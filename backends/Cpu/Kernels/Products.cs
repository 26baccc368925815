using System.Numerics;
using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>Up to four rows of one length, in f32.</summary>
internal unsafe struct RowBlock
{
    public const int Most = 4;

    public float* R0;
    public float* R1;
    public float* R2;
    public float* R3;
    public int Count;

    public float* this[int i]
    {
        readonly get => i switch { 0 => R0, 1 => R1, 2 => R2, _ => R3 };
        set
        {
            switch (i)
            {
                case 0:
                    R0 = value;
                    break;
                case 1:
                    R1 = value;
                    break;
                case 2:
                    R2 = value;
                    break;
                default:
                    R3 = value;
                    break;
            }
        }
    }
}

/// <summary>
/// Dot products of four rows with one or two vectors: tile 4 x 2, eight vector accumulators, four rows and two vectors in registers.
/// Scalar equivalent: y[r] = sum over k in order of rows[r][k] * x[k].
/// <para>Every product, in whatever tile, has one vector accumulator, filled in order of k, summed across its lanes, and then the
/// tail added one by one: its bits depend on the values and the length alone. Not compiled in tiers, so that they do not depend on
/// the compiler's progress either.</para>
/// </summary>
internal static unsafe class Products
{
    /// <summary>y[r] = rows[r] . x.</summary>
    public static void One(in RowBlock rows, long length, float* x, float* y)
    {
        if (rows.Count == RowBlock.Most)
        {
            FourByOne(rows.R0, rows.R1, rows.R2, rows.R3, length, x, y);
            return;
        }

        for (int r = 0; r < rows.Count; r++)
        {
            y[r] = Dot(rows[r], x, length);
        }
    }

    /// <summary>y[r] = rows[r] . x and y2[r] = rows[r] . x2.</summary>
    public static void Two(in RowBlock rows, long length, float* x, float* x2, float* y, float* y2)
    {
        if (rows.Count == RowBlock.Most)
        {
            FourByTwo(rows.R0, rows.R1, rows.R2, rows.R3, length, x, x2, y, y2);
            return;
        }

        One(rows, length, x, y);
        One(rows, length, x2, y2);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(float* a, float* b, long length)
    {
        Vector<float> sum = Vector<float>.Zero;
        long k = 0;
        for (; k <= length - Vector<float>.Count; k += Vector<float>.Count)
        {
            sum = Vector.MultiplyAddEstimate(Vector.Load(a + k), Vector.Load(b + k), sum);
        }

        return Finish(sum, a, b, k, length);
    }

    /// <summary>y[i] += weight * row[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(float* row, float weight, long length, float* y)
    {
        Vector<float> weights = Vector.Create(weight);
        long i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.MultiplyAddEstimate(weights, Vector.Load(row + i), Vector.Load(y + i)).Store(y + i);
        }

        for (; i < length; i++)
        {
            y[i] = float.MultiplyAddEstimate(weight, row[i], y[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByOne(float* r0, float* r1, float* r2, float* r3, long length, float* x, float* y)
    {
        Vector<float> s0 = Vector<float>.Zero, s1 = s0, s2 = s0, s3 = s0;
        long k = 0;
        for (; k <= length - Vector<float>.Count; k += Vector<float>.Count)
        {
            Vector<float> v = Vector.Load(x + k);
            s0 = Vector.MultiplyAddEstimate(Vector.Load(r0 + k), v, s0);
            s1 = Vector.MultiplyAddEstimate(Vector.Load(r1 + k), v, s1);
            s2 = Vector.MultiplyAddEstimate(Vector.Load(r2 + k), v, s2);
            s3 = Vector.MultiplyAddEstimate(Vector.Load(r3 + k), v, s3);
        }

        y[0] = Finish(s0, r0, x, k, length);
        y[1] = Finish(s1, r1, x, k, length);
        y[2] = Finish(s2, r2, x, k, length);
        y[3] = Finish(s3, r3, x, k, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo(float* r0, float* r1, float* r2, float* r3, long length, float* x, float* x2, float* y, float* y2)
    {
        Vector<float> s0 = Vector<float>.Zero, s1 = s0, s2 = s0, s3 = s0, t0 = s0, t1 = s0, t2 = s0, t3 = s0;
        long k = 0;
        for (; k <= length - Vector<float>.Count; k += Vector<float>.Count)
        {
            Vector<float> v = Vector.Load(x + k), w = Vector.Load(x2 + k);
            Vector<float> a = Vector.Load(r0 + k), b = Vector.Load(r1 + k), c = Vector.Load(r2 + k), d = Vector.Load(r3 + k);
            s0 = Vector.MultiplyAddEstimate(a, v, s0);
            t0 = Vector.MultiplyAddEstimate(a, w, t0);
            s1 = Vector.MultiplyAddEstimate(b, v, s1);
            t1 = Vector.MultiplyAddEstimate(b, w, t1);
            s2 = Vector.MultiplyAddEstimate(c, v, s2);
            t2 = Vector.MultiplyAddEstimate(c, w, t2);
            s3 = Vector.MultiplyAddEstimate(d, v, s3);
            t3 = Vector.MultiplyAddEstimate(d, w, t3);
        }

        y[0] = Finish(s0, r0, x, k, length);
        y[1] = Finish(s1, r1, x, k, length);
        y[2] = Finish(s2, r2, x, k, length);
        y[3] = Finish(s3, r3, x, k, length);
        y2[0] = Finish(t0, r0, x2, k, length);
        y2[1] = Finish(t1, r1, x2, k, length);
        y2[2] = Finish(t2, r2, x2, k, length);
        y2[3] = Finish(t3, r3, x2, k, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish(Vector<float> lanes, float* a, float* b, long k, long length)
    {
        float sum = Vector.Sum(lanes);
        for (; k < length; k++)
        {
            sum = float.MultiplyAddEstimate(a[k], b[k], sum);
        }

        return sum;
    }
}
