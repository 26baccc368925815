namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>The sum, or the largest element, along one axis, in order of the index. A NaN makes the result NaN.</summary>
internal static class ReduceKernel
{
    public static void Run(in Launch launch)
    {
        int axis = (int)launch.Attributes.Int64("axis");
        bool sums = launch.Attributes.Text("kind") == "sum";
        Tensor x = launch.Operands[0].WithLast(axis);
        Tensor result = launch.Results[0].WithLast(axis);
        Span<double> values = launch.Scratch.Doubles(0, x.Width);
        for (long row = 0; row < x.Rows; row++)
        {
            x.Read(x.Row(row), values);
            result.Set(result.Row(row), sums ? Rows.Sum(values) : Rows.Max(values));
        }
    }
}
