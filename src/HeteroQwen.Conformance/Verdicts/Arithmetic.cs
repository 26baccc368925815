using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>How an evaluation rounds: not at all (f64), or as a device declares it for each op.</summary>
internal sealed class Arithmetic
{
    private readonly Capabilities? _capabilities;
    private readonly Precision _precision;

    private Arithmetic(Capabilities? capabilities, Precision precision) => (_capabilities, _precision) = (capabilities, precision);

    /// <summary>f64 throughout.</summary>
    public static Arithmetic Exact { get; } = new(null, Precision.Exact);

    public bool IsExact => _capabilities is null;

    public static Arithmetic Declared(Capabilities capabilities, Precision precision) => new(capabilities, precision);

    /// <summary>What is declared for an op inside others: the outermost that an entry names speaks for all inside it, then "*".</summary>
    /// <param name="ops">Names of the ops, outermost first.</param>
    public Numerics For(params IEnumerable<string> ops)
    {
        foreach (string op in ops.Append("*"))
        {
            if (_capabilities?.Numerics.FirstOrDefault(n => n.Op == op && n.Precision == _precision) is { } declared)
            {
                return declared;
            }
        }

        return new Numerics("*", _precision, Rounding.None, Rounding.None, Rounding.None, 24, false);
    }

    /// <summary>The format of an op's results: that declared, else f32.</summary>
    public static Rounding ResultFormat(Numerics numerics) =>
        numerics.Results.Kind == RoundingKind.Float ? numerics.Results : FloatRounding.F32;

    /// <summary>In words, for reports.</summary>
    public static string Words(Numerics numerics)
    {
        static string Name(in Rounding r) => r.Kind switch
        {
            RoundingKind.None => "f32",
            RoundingKind.Int8 => $"int8 per {(r.Block > 0 ? r.Block : "row")}",
            _ => $"{r.SignificandBits} bits{(r.Truncates ? " truncated" : "")}",
        };

        return $"operands {Name(numerics.Operands)}, weights {Name(numerics.Weights)}, results {Name(numerics.Results)}, "
            + $"sums {numerics.AccumulateBits} bits{(numerics.FlushesSubnormals ? ", subnormals flushed" : "")}";
    }
}
