namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>y_i = exp(x_i - max_j x_j) / sum_j exp(x_j - max) over the last axis.</summary>
internal static class SoftmaxKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor result) = (launch.Operands[0], launch.Results[0]);
        Span<double> values = launch.Scratch.Doubles(0, x.Width);
        for (long row = 0; row < x.Rows; row++)
        {
            x.Read(x.Row(row), values);
            Rows.Softmax(values);
            result.Write(result.Row(row), values);
        }
    }
}
