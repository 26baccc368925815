using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>out = kind(a, b) element by element, both broadcast to the result's shape.</summary>
/// <remarks>For f32, computing in f64 and rounding once gives the bits of the f32 operation. Sums of i32 wrap around.</remarks>
internal static class BinaryKernel
{
    public static void Run(in Launch launch)
    {
        Tensor result = launch.Results[0];
        Tensor first = launch.Operands[0].BroadcastTo(result.Dims);
        Tensor last = launch.Operands[^1].BroadcastTo(result.Dims);
        bool isInteger = first.Element == ElementType.I32;
        Func<double, double, double> apply = Function(launch.Attributes.Text("kind"), isInteger);
        Span<double> a = launch.Scratch.Doubles(0, result.Width);
        Span<double> b = launch.Scratch.Doubles(1, result.Width);
        bool left = launch.Attributes.TryGet("lhs", out AttributeValue lhs);
        bool right = launch.Attributes.TryGet("rhs", out AttributeValue rhs);
        for (long row = 0; row < result.Rows; row++)
        {
            if (left)
            {
                a.Fill(Immediate(lhs.Float64, isInteger));
            }
            else
            {
                first.Read(first.Row(row), a);
            }

            if (right)
            {
                b.Fill(Immediate(rhs.Float64, isInteger));
            }
            else
            {
                last.Read(last.Row(row), b);
            }

            for (int i = 0; i < a.Length; i++)
            {
                a[i] = apply(a[i], b[i]);
            }

            result.Write(result.Row(row), a);
        }
    }

    /// <summary>An immediate has the type of the other operand.</summary>
    private static double Immediate(double value, bool isInteger) => isInteger ? value : (float)value;

    private static Func<double, double, double> Function(string kind, bool isInteger) => kind switch
    {
        "add" when isInteger => static (a, b) => unchecked((int)((long)a + (long)b)),
        "sub" when isInteger => static (a, b) => unchecked((int)((long)a - (long)b)),
        "mul" when isInteger => static (a, b) => unchecked((int)((long)a * (long)b)),
        "add" => static (a, b) => a + b,
        "sub" => static (a, b) => a - b,
        "mul" => static (a, b) => a * b,
        "div" => static (a, b) => a / b,
        "min" => Math.Min,
        "max" => Math.Max,
        "eq" => static (a, b) => a == b ? 1 : 0,
        "lt" => static (a, b) => a < b ? 1 : 0,
        "le" => static (a, b) => a <= b ? 1 : 0,
        "and" => static (a, b) => a * b,
        "masked_fill" => static (a, b) => b != 0 ? a : double.NegativeInfinity,
        _ => throw new InvalidOperationException($"binary has no kind {kind}"),
    };
}
