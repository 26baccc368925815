using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>A run of a constant's elements that lies in one place.</summary>
/// <param name="First">Number of its first element in the dense constant.</param>
/// <param name="Count">Its elements.</param>
/// <param name="Address">Where they lie.</param>
internal readonly record struct Piece(long First, long Count, nint Address);

/// <summary>
/// A view of memory as a tensor: element i.. lies sum of i_axis * stride_axis elements after the first. An <i>offset</i> is such a sum;
/// whoever makes a tensor has checked that all of its elements lie in memory that it owns.
/// </summary>
internal readonly unsafe struct Tensor
{
    private readonly byte* _address;
    private readonly Piece[]? _pieces;

    public Tensor(ElementType element, long[] dims, long[] strides, byte* address)
    {
        (Element, Dims, Strides) = (element, dims, strides);
        _address = address;
    }

    /// <summary>A dense constant in pieces.</summary>
    public Tensor(ElementType element, long[] dims, Piece[] pieces)
        : this(element, dims, Dense(dims), pieces.Length == 1 ? (byte*)pieces[0].Address : null)
    {
        _pieces = pieces.Length == 1 ? null : pieces;
    }

    private Tensor(in Tensor tensor, long[] dims, long[] strides, long offset)
        : this(tensor.Element, dims, strides, tensor._pieces is null ? tensor.At(offset) : null)
    {
        _pieces = tensor._pieces;
    }

    public ElementType Element { get; }

    public long[] Dims { get; }

    public long[] Strides { get; }

    public int Rank => Dims.Length;

    /// <summary>Elements of a row: the last dimension.</summary>
    public int Width => Rank == 0 ? 1 : (int)Dims[^1];

    /// <summary>Number of rows: the product of all other dimensions.</summary>
    public long Rows => Product(0, Rank - 1);

    public long Count => Product(0, Rank);

    private long LastStride => Rank == 0 ? 1 : Strides[^1];

    public long Product(int first, int last)
    {
        long product = 1;
        for (int i = first; i < last; i++)
        {
            product *= Dims[i];
        }

        return product;
    }

    /// <summary>Offset of the i-th row in row-major order.</summary>
    public long Row(long i) => Offset(i, Rank - 1);

    /// <summary>Offset of the i-th element in row-major order.</summary>
    public long Item(long i) => Offset(i, Rank);

    /// <summary>Reads elements along the last axis.</summary>
    public void Read(long offset, Span<double> into)
    {
        if (_pieces is null)
        {
            Elements.Read(Element, At(offset), LastStride, into);
            return;
        }

        while (into.Length > 0)
        {
            Piece piece = PieceOf(offset);
            int count = LastStride == 1 ? (int)Math.Min(into.Length, piece.First + piece.Count - offset) : 1;
            byte* from = (byte*)piece.Address + Element.Bytes(offset - piece.First);
            Elements.Read(Element, from, 1, into[..count]);
            offset += count * LastStride;
            into = into[count..];
        }
    }

    /// <summary>Writes elements along the last axis, rounded to the element type.</summary>
    public void Write(long offset, ReadOnlySpan<double> values) => Elements.Write(Element, At(offset), LastStride, values);

    public double Value(long offset)
    {
        double value = 0;
        Read(offset, new Span<double>(ref value));
        return value;
    }

    public void Set(long offset, double value) => Write(offset, new ReadOnlySpan<double>(in value));

    /// <summary>Copies this tensor's elements of one row, bit for bit, into one of another tensor of the type.</summary>
    public void MoveRow(long offset, in Tensor to, long toOffset)
    {
        if (_pieces is null)
        {
            Elements.Move(Element, At(offset), LastStride, to.At(toOffset), to.LastStride, Width);
            return;
        }

        for (int i = 0; i < Width; i++)
        {
            long at = offset + (i * LastStride);
            Piece piece = PieceOf(at);
            byte* from = (byte*)piece.Address + Element.Bytes(at - piece.First);
            Elements.Move(Element, from, 1, to.At(toOffset + (i * to.LastStride)), 1, 1);
        }
    }

    /// <summary>The same elements seen as <paramref name="dims"/>, repeated along new axes and along those of dimension 1.</summary>
    public Tensor BroadcastTo(long[] dims)
    {
        long[] strides = new long[dims.Length];
        for (int i = 1; i <= Rank; i++)
        {
            strides[^i] = Dims[^i] == 1 ? 0 : Strides[^i];
        }

        return new Tensor(this, dims, strides, 0);
    }

    /// <summary>The same elements with one axis moved to the end.</summary>
    public Tensor WithLast(int axis) =>
        new(this, [.. Without(Dims, axis), Dims[axis]], [.. Without(Strides, axis), Strides[axis]], 0);

    /// <summary>The tensor at index 0 of the first axis.</summary>
    public Tensor First() => new(this, Dims[1..], Strides[1..], 0);

    /// <summary>The part of shape <paramref name="dims"/> that begins at an offset.</summary>
    public Tensor Window(long[] dims, long offset) => new(this, dims, Strides, offset);

    private static IEnumerable<long> Without(long[] values, int axis) => values.Where((_, i) => i != axis);

    private static long[] Dense(long[] dims)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dims[i];
        }

        return strides;
    }

    private long Offset(long index, int axes)
    {
        long offset = 0;
        for (int axis = axes - 1; axis >= 0; axis--)
        {
            (index, long i) = Math.DivRem(index, Dims[axis]);
            offset += i * Strides[axis];
        }

        return offset;
    }

    private byte* At(long offset) => _address + Element.Bytes(offset);

    private Piece PieceOf(long offset)
    {
        int i = 0;
        while (offset >= _pieces![i].First + _pieces[i].Count)
        {
            i++;
        }

        return _pieces[i];
    }
}
