namespace HeteroQwen.Mutants;

/// <summary>Loops over results, and the faults that scale the rows of a norm.</summary>
internal static class Rows
{
    public static void Each(Tensor tensor, Action<long, long> visit)
    {
        for (long row = 0; row < tensor.Rows; row++)
        {
            visit(row, tensor.Last);
        }
    }

    /// <summary>Changes every element of the first result, given its number.</summary>
    public static void EachElement(Launch launch, Func<float, long, float> change)
    {
        Tensor y = launch.Out();
        for (long i = 0; i < y.Count; i++)
        {
            y[i] = change(y[i], i);
        }
    }

    /// <summary>The fault by which a norm's rows are too large by a factor of their sum of squares, eps, and length.
    /// (rope keeps it.)</summary>
    public static Fault Scaled(Func<double, double, double, double> factor) => new()
    {
        After = l =>
        {
            (Tensor x, Tensor y) = (l.In(0), l.Out());
            Each(y, (row, n) =>
            {
                double squares = 0;
                for (long i = 0; i < n; i++)
                {
                    squares += (double)x[row, i] * x[row, i];
                }

                double by = factor(squares, l.Op.Attributes.Float64("eps"), n);
                for (long i = 0; i < n; i++)
                {
                    y[row, i] = (float)(y[row, i] / by);
                }
            });
        },
    };
}
