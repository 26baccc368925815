using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>Bit-equal, save that 0 is -0 in arithmetic and that any NaN is any other.</summary>
internal static class ExactVerdict
{
    /// <param name="dims">Dimensions of the result.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="actual">What the device made.</param>
    /// <param name="expected">What it must be.</param>
    /// <param name="numerics">Declared arithmetic: a device that flushes may make 0 of a subnormal.</param>
    /// <param name="why">Why the expectation is exact, in words.</param>
    public static Verdict Judge(long[] dims, ElementType type, double[] actual, double[] expected, Numerics numerics, string why)
    {
        double[] wanted = ElementCodec.Decode(type, ElementCodec.Encode(type, expected));
        double least = FloatRounding.Tiny(FormatOf(type), flush: true);
        for (int i = 0; numerics.FlushesSubnormals && i < wanted.Length; i++)
        {
            wanted[i] = actual[i] == 0 && Math.Abs(wanted[i]) < least ? actual[i] : wanted[i];
        }

        return new Comparison(dims, actual, wanted, new double[actual.Length]).Judge(why);
    }

    private static Rounding FormatOf(ElementType type) => type switch
    {
        ElementType.F16 => new(RoundingKind.Float, 11, 15, 0, false),
        ElementType.BF16 => new(RoundingKind.Float, 8, 127, 0, false),
        _ => FloatRounding.F32,
    };
}
