namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>rope: each head of each token rotated by the token's angles. qk_norm_rope: each head normalised by itself first.</summary>
internal static class RopeKernel
{
    public static void Run(in Launch launch) => Rotate(launch, launch.Operands[1], launch.Operands[2], []);

    public static void RunNormed(in Launch launch)
    {
        Tensor weight = launch.Operands[1];
        Span<double> scale = launch.Scratch.Doubles(3, weight.Width);
        weight.Read(0, scale);
        Rotate(launch, launch.Operands[2], launch.Operands[3], scale);
    }

    private static void Rotate(in Launch launch, in Tensor cos, in Tensor sin, ReadOnlySpan<double> weight)
    {
        (Tensor x, Tensor result) = (launch.Operands[0], launch.Results[0]);
        Span<double> head = launch.Scratch.Doubles(0, x.Width);
        Span<double> cosines = launch.Scratch.Doubles(1, x.Width);
        Span<double> sines = launch.Scratch.Doubles(2, x.Width);
        (long tokens, long heads) = (x.Dims[0], x.Dims[1]);
        for (long token = 0; token < tokens; token++)
        {
            cos.Read(cos.Row(token), cosines);
            sin.Read(sin.Row(token), sines);
            for (long row = token * heads; row < (token + 1) * heads; row++)
            {
                x.Read(x.Row(row), head);
                if (!weight.IsEmpty)
                {
                    Rows.RmsNorm(head, weight, launch.Attributes.Float64("eps"));
                }

                Rows.Rope(head, cosines, sines);
                result.Write(result.Row(row), head);
            }
        }
    }
}
