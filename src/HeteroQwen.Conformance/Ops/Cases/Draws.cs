using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>Named distributions of inputs.</summary>
internal static class Draws
{
    public static double Normal(CaseRandom r) => r.Normal();

    /// <summary>One sign: sums grow, and a bias shows.</summary>
    public static double Positive(CaseRandom r) => Math.Abs(r.Normal()) + 0.01;

    public static double Heavy(CaseRandom r) => r.Normal() * Math.Exp(1.5 * r.Normal());

    public static double Mixed(CaseRandom r) => r.Normal() * Math.Pow(10, (6 * r.Uniform()) - 3);

    public static double Tiny(CaseRandom r) => r.Normal() * 1e-30;

    public static double Huge(CaseRandom r) => r.Normal() * 1e30;

    public static double Outlier(CaseRandom r) => r.Normal() * 1e5;

    public static double Zero(CaseRandom r) => 0 * r.Uniform();

    /// <summary>By name, in the order in which cases are listed.</summary>
    public static IReadOnlyList<(string Name, Func<CaseRandom, double> Draw)> Activations { get; } =
    [
        ("normal", Normal), ("positive", Positive), ("heavy", Heavy), ("mixed", Mixed), ("tiny", Tiny), ("huge", Huge), ("1e5", Outlier),
        ("zero", Zero),
    ];

    public static OpTensor F32(CaseRandom r, Func<CaseRandom, double> draw, params Dim[] dims) =>
        OpTensor.Of(ElementType.F32, r.Values(Count(dims), draw), dims);

    public static OpTensor Float(ElementType element, CaseRandom r, Func<CaseRandom, double> draw, params Dim[] dims) =>
        OpTensor.Of(element, r.Values(Count(dims), draw), dims);

    public static OpTensor Ints(int[] values, params Dim[] dims) =>
        OpTensor.Of(ElementType.I32, [.. values.Select(v => (double)v)], dims);

    /// <summary>Elements, each symbol counted as 1: only for shapes of constants.</summary>
    public static long Count(params ReadOnlySpan<Dim> dims)
    {
        long count = 1;
        foreach (Dim dim in dims)
        {
            count *= dim.Constant;
        }

        return count;
    }

    /// <summary>"4x33".</summary>
    public static string Name(params IEnumerable<Dim> dims) => string.Join('x', dims);
}
