using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>
/// The softmax over a chunk, and over chunks one after another. A record holds sums y of v weighted by p = exp(s - m), the largest score
/// m and the sum l of the weights. Merging, in order of position: M = max(m, m'), y = y exp(m - M) + y' exp(m' - M), l likewise;
/// in the end out = y / l.
/// </summary>
internal static unsafe class Records<T>
    where T : struct, ISimd<T>
{
    /// <summary>
    /// Weights of the entries lo .. hi - 1 of a chunk in place of their products, and 0 in what else their vectors hold.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(float* s, int lo, int hi, float scale, float* largest, float* sum)
    {
        int first = lo / T.Count * T.Count;
        int last = (hi + T.Count - 1) / T.Count * T.Count;
        T factor = T.Create(scale);
        for (int i = first; i < last; i += T.Count)
        {
            T.Store(s + i, T.Load(s + i) * factor);
        }

        new Span<float>(s + first, lo - first).Fill(float.NegativeInfinity);
        new Span<float>(s + hi, last - hi).Fill(float.NegativeInfinity);

        // Never -infinity: of scores that are all that, the weights are 0 here, and the result is NaN only if no chunk has another.
        T max = T.Create(float.MinValue);
        for (int i = first; i < last; i += T.Count)
        {
            max = T.Max(T.Load(s + i), max);
        }

        *largest = T.MaxLane(max);
        max = T.Create(*largest);
        T total = T.Zero;
        for (int i = first; i < last; i += T.Count)
        {
            T p = SimdMath.ExpOfNonPositive(T.Load(s + i) - max);
            T.Store(s + i, p);
            total += p;
        }

        *sum = T.Sum(total);
    }

    /// <summary>Adds a later chunk's record to what was gathered before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Merge(float* total, float* chunk, long columns)
    {
        T m = T.Create(total[columns]), other = T.Create(chunk[columns]);
        T largest = T.Max(m, other);
        T keep = SimdMath.ExpOfNonPositive(m - largest), add = SimdMath.ExpOfNonPositive(other - largest);
        for (long i = 0; i < columns; i += T.Count)
        {
            T.Store(total + i, T.MultiplyAdd(T.Load(chunk + i), add, T.Load(total + i) * keep));
        }

        total[columns] = T.MaxLane(largest);
        total[columns + 1] = T.MaxLane(T.MultiplyAdd(T.Create(chunk[columns + 1]), add, T.Create(total[columns + 1]) * keep));
    }

    /// <summary>The result of a row.</summary>
    public static void Finish(float* total, long columns, float* output, long length)
    {
        T factor = T.Create(1 / total[columns + 1]);
        long i = 0;
        for (; i <= length - T.Count; i += T.Count)
        {
            T.Store(output + i, T.Load(total + i) * factor);
        }

        for (; i < length; i++)
        {
            SimdScalar.Store(output + i, SimdScalar.Load(total + i) * SimdScalar.Create(1 / total[columns + 1]));
        }
    }
}
