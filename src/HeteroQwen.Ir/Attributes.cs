using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace HeteroQwen.Ir;

/// <summary>Value of an attribute: a 64-bit integer, a double or a string, the three kinds that the backend line carries.</summary>
public readonly record struct AttributeValue
{
    // One field for both numbers: doubles are equal when their bits are, so that 0.0 and -0.0 are two attributes.
    private readonly long _bits;
    private readonly string? _text;

    public AttributeValue(long value)
    {
        Kind = AttributeKind.Int64;
        _bits = value;
    }

    public AttributeValue(double value)
    {
        Kind = AttributeKind.Float64;
        _bits = BitConverter.DoubleToInt64Bits(value);
    }

    public AttributeValue(string value)
    {
        Kind = AttributeKind.String;
        _text = value;
    }

    public AttributeKind Kind { get; }

    public long Int64 => Kind == AttributeKind.Int64 ? _bits : throw new InvalidOperationException($"attribute value {this} is no integer");

    public double Float64 => Kind == AttributeKind.Float64
        ? BitConverter.Int64BitsToDouble(_bits)
        : throw new InvalidOperationException($"attribute value {this} is no double");

    public string Text => Kind == AttributeKind.String
        ? _text!
        : throw new InvalidOperationException($"attribute value {this} is no string");

    public static implicit operator AttributeValue(long value) => new(value);

    public static implicit operator AttributeValue(double value) => new(value);

    public static implicit operator AttributeValue(string value) => new(value);

    public static AttributeValue FromInt64(long value) => value;

    public static AttributeValue FromDouble(double value) => value;

    public static AttributeValue FromString(string value) => value;

    /// <summary>The text form: <c>3</c>, <c>1E-06</c> or <c>0.5</c> (doubles have a point, an exponent or a word), <c>"add"</c>.</summary>
    public override string ToString()
    {
        switch (Kind)
        {
            case AttributeKind.Int64:
                return _bits.ToString(CultureInfo.InvariantCulture);
            case AttributeKind.Float64:
                string real = Float64.ToString("R", CultureInfo.InvariantCulture);
                return real.AsSpan().ContainsAny('.', 'E', 'N') || real.Contains("Infinity", StringComparison.Ordinal) ? real : real + ".0";
            default:
                return Quote(_text!);
        }
    }

    /// <summary>The text in quotes; quotes, backslashes and all that is not printable ASCII are escaped.</summary>
    internal static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in text)
        {
            _ = c is '"' or '\\' ? quoted.Append('\\').Append(c)
                : c is >= ' ' and <= '~' ? quoted.Append(c)
                : quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return quoted.Append('"').ToString();
    }
}

/// <summary>Kind of an <see cref="AttributeValue"/>; the numbers cross the backend line.</summary>
public enum AttributeKind
{
    Int64 = 0,
    Float64 = 1,
    String = 2,
}

/// <summary>Attributes of an operation, in ordinal order of their names. Equal when all pairs are.</summary>
public sealed class Attributes : IEnumerable<KeyValuePair<string, AttributeValue>>, IEquatable<Attributes>
{
    private readonly ImmutableSortedDictionary<string, AttributeValue> _values;

    public Attributes(params ReadOnlySpan<(string Name, AttributeValue Value)> values)
    {
        var builder = ImmutableSortedDictionary.CreateBuilder<string, AttributeValue>(StringComparer.Ordinal);
        foreach ((string name, AttributeValue value) in values)
        {
            builder.Add(name, value);
        }

        _values = builder.ToImmutable();
    }

    public static Attributes Empty { get; } = new();

    public int Count => _values.Count;

    public bool Contains(string name) => _values.ContainsKey(name);

    public bool TryGet(string name, out AttributeValue value) => _values.TryGetValue(name, out value);

    public long Int64(string name) => _values[name].Int64;

    public double Float64(string name) => _values[name].Float64;

    public string Text(string name) => _values[name].Text;

    public bool Equals(Attributes? other) => other is not null && _values.SequenceEqual(other._values);

    public override bool Equals(object? obj) => Equals(obj as Attributes);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach ((string name, AttributeValue value) in _values)
        {
            hash.Add(name, StringComparer.Ordinal);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public IEnumerator<KeyValuePair<string, AttributeValue>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => string.Join(", ", _values.Select(p => $"{p.Key} = {p.Value}"));
}
