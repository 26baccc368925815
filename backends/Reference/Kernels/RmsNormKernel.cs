namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>y_i = x_i / sqrt(mean_j(x_j^2) + eps) * weight_i over the last axis.</summary>
internal static class RmsNormKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor weight, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Results[0]);
        Span<double> values = launch.Scratch.Doubles(0, x.Width);
        Span<double> scale = launch.Scratch.Doubles(1, x.Width);
        weight.Read(0, scale);
        for (long row = 0; row < x.Rows; row++)
        {
            x.Read(x.Row(row), values);
            Rows.RmsNorm(values, scale, launch.Attributes.Float64("eps"));
            result.Write(result.Row(row), values);
        }
    }
}
