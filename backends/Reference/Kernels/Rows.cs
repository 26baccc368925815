using System.Runtime.Intrinsics;

namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>Formulas over rows of f64 that several ops share.</summary>
internal static class Rows
{
    /// <summary>
    /// Sum of a_i b_i. Products of f32 values are exact in f64. Eight partial sums, each of every eighth product in order, are added
    /// pairwise at the end: an order that depends on the length alone, and is the same on every machine.
    /// </summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        (Vector256<double> low, Vector256<double> high) = (default, default);
        int whole = a.Length & ~7;
        for (int i = 0; i < whole; i += 8)
        {
            low += Vector256.Create(a.Slice(i, 4)) * Vector256.Create(b.Slice(i, 4));
            high += Vector256.Create(a.Slice(i + 4, 4)) * Vector256.Create(b.Slice(i + 4, 4));
        }

        Vector256<double> sums = low + high;
        double sum = sums[0] + sums[1] + (sums[2] + sums[3]);
        for (int i = whole; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    public static double Sum(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        return sum;
    }

    public static double Max(ReadOnlySpan<double> values)
    {
        double max = double.NegativeInfinity;
        foreach (double value in values)
        {
            max = Math.Max(max, value);
        }

        return max;
    }

    /// <summary>to_i = to_i + factor x_i.</summary>
    public static void AddScaled(Span<double> to, double factor, ReadOnlySpan<double> x)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] += factor * x[i];
        }
    }

    /// <summary>x_i = exp(x_i - max) / sum of exp(x_j - max).</summary>
    public static void Softmax(Span<double> x)
    {
        double max = Max(x);
        foreach (ref double value in x)
        {
            value = Math.Exp(value - max);
        }

        double sum = Sum(x);
        foreach (ref double value in x)
        {
            value /= sum;
        }
    }

    /// <summary>x_i = x_i / sqrt(mean of x_j^2 + eps) * weight_i.</summary>
    public static void RmsNorm(Span<double> x, ReadOnlySpan<double> weight, double eps)
    {
        double root = Math.Sqrt((Dot(x, x) / x.Length) + eps);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = x[i] / root * weight[i];
        }
    }

    /// <summary>Rotates each pair (x_i, x_i+half) by its angle.</summary>
    public static void Rope(Span<double> x, ReadOnlySpan<double> cos, ReadOnlySpan<double> sin)
    {
        int half = x.Length / 2;
        for (int i = 0; i < half; i++)
        {
            (double a, double b) = (x[i], x[i + half]);
            x[i] = (a * cos[i]) - (b * sin[i]);
            x[i + half] = (b * cos[i + half]) + (a * sin[i + half]);
        }
    }

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    /// <summary>The indices of the k largest values in descending order; ties to the lower index, NaN least of all.</summary>
    public static ReadOnlySpan<long> TopK(double[] values, Span<long> indices, int k)
    {
        for (int i = 0; i < indices.Length; i++)
        {
            indices[i] = i;
        }

        // CompareTo orders NaN below all numbers, and two NaNs as equal.
        indices.Sort((a, b) => values[b].CompareTo(values[a]) is var order and not 0 ? order : a.CompareTo(b));
        return indices[..k];
    }
}
