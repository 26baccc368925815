using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// A number of elements that may depend on the bindings: a coefficient times dimensions, each rounded up to a multiple. Strides are
/// such numbers.
/// </summary>
internal readonly struct Extent : IEquatable<Extent>
{
    private readonly ImmutableArray<(Dim Dim, long Multiple)> _factors;

    private Extent(long coefficient, ImmutableArray<(Dim Dim, long Multiple)> factors)
    {
        Coefficient = coefficient;
        _factors = factors;
    }

    public static Extent Zero { get; } = new(0, []);

    public static Extent One { get; } = new(1, []);

    public long Coefficient { get; }

    public bool IsConstant => _factors.IsEmpty || Coefficient == 0;

    public Extent Times(Dim dim, long multiple = 1)
    {
        if (dim.IsConstant)
        {
            return new(checked(Coefficient * RoundUp(dim.Constant, multiple)), _factors);
        }

        return new(Coefficient, [.. _factors.Add((dim, multiple)).OrderBy(f => f.Dim.Code).ThenBy(f => f.Multiple)]);
    }

    public long Resolve(in Bindings bindings)
    {
        long value = Coefficient;
        foreach ((Dim dim, long multiple) in _factors)
        {
            value = checked(value * RoundUp(dim.Resolve(bindings), multiple));
        }

        return value;
    }

    public static long RoundUp(long value, long multiple) => checked((value + multiple - 1) / multiple * multiple);

    public bool Equals(Extent other) => Coefficient == other.Coefficient && (Coefficient == 0 || _factors.SequenceEqual(other._factors));

    public override bool Equals(object? obj) => obj is Extent other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Coefficient, _factors.Length);
}
