namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>out = kind(x) element by element.</summary>
internal static class UnaryKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor result) = (launch.Operands[0], launch.Results[0]);
        Func<double, double> apply = Function(launch.Attributes.Text("kind"));
        Span<double> values = launch.Scratch.Doubles(0, result.Width);
        for (long row = 0; row < result.Rows; row++)
        {
            x.Read(x.Row(row), values);
            foreach (ref double value in values)
            {
                value = apply(value);
            }

            result.Write(result.Row(row), values);
        }
    }

    private static Func<double, double> Function(string kind) => kind switch
    {
        "neg" => static x => -x,
        "exp" => Math.Exp,
        "rsqrt" => static x => 1 / Math.Sqrt(x),
        "reciprocal" => static x => 1 / x,
        _ => throw new InvalidOperationException($"unary has no kind {kind}"),
    };
}
