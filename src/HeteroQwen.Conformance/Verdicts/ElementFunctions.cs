namespace HeteroQwen.Conformance.Verdicts;

/// <summary>The element-wise functions in f64; rounding a sum or product of f32 once from there gives the f32 operation's bits.</summary>
internal static class ElementFunctions
{
    public static Func<double, double> Unary(string kind) => kind switch
    {
        "neg" => static x => -x,
        "exp" => Math.Exp,
        "rsqrt" => static x => 1 / Math.Sqrt(x),
        "reciprocal" => static x => 1 / x,
        _ => throw new InvalidOperationException($"unary has no kind {kind}"),
    };

    public static Func<double, double, double> Binary(string kind, bool isInteger) => kind switch
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
        "and" => static (a, b) => a != 0 && b != 0 ? 1 : 0,
        "masked_fill" => static (x, mask) => mask != 0 ? x : double.NegativeInfinity,
        _ => throw new InvalidOperationException($"binary has no kind {kind}"),
    };
}
