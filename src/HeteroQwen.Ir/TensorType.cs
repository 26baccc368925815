using System.Collections.Immutable;
using System.Numerics;

namespace HeteroQwen.Ir;

/// <summary>The dimensions of a tensor, outermost first. Equal when all dimensions are.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly ImmutableArray<Dim> _dims;

    public Shape(params ReadOnlySpan<Dim> dims) => _dims = [.. dims];

    public Shape(IEnumerable<Dim> dims) => _dims = [.. dims];

    public ImmutableArray<Dim> Dims => _dims.IsDefault ? [] : _dims;

    public int Rank => Dims.Length;

    public Dim this[int axis] => Dims[axis];

    public Dim Last => Dims[^1];

    /// <summary>All dimensions but the last.</summary>
    public Shape Outer => new(Dims.AsSpan(0, Rank - 1));

    public Shape WithAxis(int axis, Dim dim) => new(Dims.SetItem(axis, dim).AsSpan());

    public Shape Append(Dim dim) => new(Dims.Add(dim).AsSpan());

    /// <summary>Number of elements when the symbols are bound.</summary>
    /// <exception cref="OverflowException">The number does not fit 63 bits.</exception>
    public long Elements(in Bindings bindings)
    {
        long product = 1;
        foreach (Dim dim in Dims)
        {
            product = checked(product * dim.Resolve(bindings));
        }

        return product;
    }

    /// <summary>
    /// True if both shapes have equally many elements whatever the bindings: the same symbols and the same product of constants.
    /// </summary>
    public bool SameElements(Shape other)
    {
        static (BigInteger Product, string Symbols) Key(Shape shape)
        {
            BigInteger product = 1;
            foreach (Dim dim in shape.Dims.Where(d => d.IsConstant))
            {
                product *= dim.Constant;
            }

            return (product, string.Join(',', shape.Dims.Where(d => !d.IsConstant).Select(d => d.Code).Order()));
        }

        return Key(this) == Key(other);
    }

    public bool Equals(Shape other) => Dims.AsSpan().SequenceEqual(other.Dims.AsSpan());

    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (Dim dim in Dims)
        {
            hash.Add(dim);
        }

        return hash.ToHashCode();
    }

    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>Reads a shape as <see cref="ToString"/> writes it, such as <c>[T, 1024]</c>.</summary>
    public static bool TryParse(string text, out Shape shape)
    {
        shape = default;
        if (text.Length < 2 || text[0] != '[' || text[^1] != ']')
        {
            return false;
        }

        string inner = text[1..^1];
        List<Dim> dims = [];
        foreach (string part in inner.Length == 0 ? [] : inner.Split(','))
        {
            if (!Dim.TryParse(part.AsSpan().Trim(), out Dim dim))
            {
                return false;
            }

            dims.Add(dim);
        }

        shape = new(dims);
        return true;
    }

    public override string ToString() => $"[{string.Join(", ", Dims)}]";
}

/// <summary>Element type and shape of a value. The last dimension of a quantised type is a whole number of its blocks.</summary>
public readonly record struct TensorType(ElementType Element, Shape Shape)
{
    public TensorType(ElementType element, params ReadOnlySpan<Dim> dims)
        : this(element, new Shape(dims))
    {
    }

    public int Rank => Shape.Rank;

    /// <summary>Bytes of the dense tensor when the symbols are bound.</summary>
    public long Bytes(in Bindings bindings) => Element.Bytes(Shape.Elements(bindings));

    public override string ToString() => $"{Element.Name()}{Shape}";
}
