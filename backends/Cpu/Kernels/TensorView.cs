using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// One operand or result of a kernel: dimensions, strides and address, bound anew by each launch without allocating. A constant is
/// bound once, to the host's bytes, whose address may be odd; loads here are unaligned throughout.
/// </summary>
internal sealed unsafe class TensorView : IDisposable
{
    private readonly TensorDescriptor _descriptor;
    private readonly ImmutableArray<ByteRange> _ranges = [];
    private readonly long[] _rangeStarts = [];
    private readonly bool _isPacked;
    private readonly ConstantData? _generated;
    private void* _owned;

    /// <param name="descriptor">The tensor.</param>
    /// <param name="constant">Its bytes, if it is a constant.</param>
    /// <param name="joins">Bytes of several ranges are copied into one, for a kernel that walks the whole tensor.</param>
    /// <param name="isPacked">The kernel packs the constant and reads it there: the view has its dimensions alone.</param>
    /// <exception cref="ArgumentException">The constant's bytes do not fit the descriptor.</exception>
    public TensorView(TensorDescriptor descriptor, ConstantData? constant, bool joins, bool isPacked = false)
    {
        _descriptor = descriptor;
        _isPacked = isPacked;
        Dims = new long[descriptor.Rank];
        Strides = new long[descriptor.Rank];
        if (descriptor.Role != TensorRole.Constant)
        {
            if (constant is not null)
            {
                throw new ArgumentException($"{descriptor} is no constant and comes with bytes");
            }

            return;
        }

        Check(descriptor, constant);
        Resolve(default);
        SetDenseStrides();
        if (isPacked)
        {
            return;
        }

        if (constant!.Generator is not null)
        {
            _generated = constant;
            return;
        }

        _ranges = constant.Ranges;
        if (_ranges.Length > 1 && joins)
        {
            Join();
        }
        else
        {
            Data = (byte*)_ranges[0].Address;
            _rangeStarts = new long[_ranges.Length];
            for (int i = 1; i < _ranges.Length; i++)
            {
                _rangeStarts[i] = _rangeStarts[i - 1] + _ranges[i - 1].Length;
            }
        }
    }

    public ElementType Element => _descriptor.Element;

    public int Rank => Dims.Length;

    public long[] Dims { get; }

    public long[] Strides { get; }

    /// <summary>Address of the first element. For a constant of several ranges, use <see cref="At"/>.</summary>
    public byte* Data { get; private set; }

    /// <summary>Bytes of an element; of a block where the type is quantised.</summary>
    public int ElementBytes => _descriptor.Element.BlockBytes();

    public bool IsConstant => _descriptor.Role == TensorRole.Constant;

    public bool KeepsHostBytes => IsConstant && !_isPacked && _owned == null && _generated is null;

    public long OwnedBytes => _owned == null ? 0 : _ranges.Sum(r => r.Length);

    public long Last => Dims[^1];

    /// <summary>Stride of the last axis; 1 where that axis has one element.</summary>
    public long InnerStride => Rank == 0 || Dims[^1] == 1 ? 1 : Strides[^1];

    public long Elements => Product(0, Rank);

    public long Product(int first, int last)
    {
        long product = 1;
        for (int i = first; i < last; i++)
        {
            product *= Dims[i];
        }

        return product;
    }

    /// <summary>Binds the argument. Nothing outside the buffer can be reached afterwards by indices below the dimensions.</summary>
    public Status Bind(in Bindings bindings, in Argument argument, string what)
    {
        if (IsConstant)
        {
            return Status.Ok;
        }

        Resolve(bindings);
        foreach (long dim in Dims)
        {
            if (dim < 1)
            {
                return Status.InvalidArgument($"{what} has a dimension of {dim} in a launch; no kernel sees an empty tensor");
            }
        }

        if (argument.Buffer is not CpuBuffer buffer)
        {
            return Status.InvalidArgument($"{what} has no buffer of this backend");
        }

        if (!_descriptor.Strided)
        {
            SetDenseStrides();
        }
        else if (argument.Strides is not { } strides || strides.Length != Rank)
        {
            return Status.InvalidArgument($"{what} is strided and comes without a stride for each of its {Rank} axes");
        }
        else
        {
            strides.CopyTo(Strides, 0);
        }

        return Extent(out long bytes) && buffer.Holds(argument.Offset, bytes)
            ? Place(buffer.Data + argument.Offset)
            : Status.InvalidArgument($"{what} at offset {argument.Offset} leaves its buffer of {buffer.Bytes} bytes");
    }

    /// <summary>Bytes of elements that lie side by side, whole blocks where the type is quantised.</summary>
    public long Bytes(long elements) => elements / _descriptor.Element.BlockElements() * ElementBytes;

    /// <summary>Address of a byte of a dense tensor; a row never spans two ranges, since ranges join on axis 0.</summary>
    public byte* At(long offset)
    {
        if (_ranges.Length <= 1 || _owned != null)
        {
            return Data + offset;
        }

        int found = Array.BinarySearch(_rangeStarts, offset);
        int range = found >= 0 ? found : ~found - 1;
        return (byte*)_ranges[range].Address + (offset - _rangeStarts[range]);
    }

    /// <summary>Some bytes of a dense tensor within a row: where they lie, or made into <paramref name="scratch"/>.</summary>
    public byte* Read(long offset, long bytes, void* scratch)
    {
        if (_generated is null)
        {
            return At(offset);
        }

        _generated.Read(offset, (nint)scratch, bytes);
        return (byte*)scratch;
    }

    /// <summary>Address of row <paramref name="row"/>, counting rows of the last axis in row-major order.</summary>
    public byte* Row(long row)
    {
        if (_ranges.Length > 1)
        {
            return At(Bytes(row * Dims[^1]));
        }

        long offset = 0;
        for (int axis = Rank - 2; axis >= 0; axis--)
        {
            (long rest, long i) = axis == 0 ? (0, row) : Math.DivRem(row, Dims[axis]);
            offset += i * Strides[axis];
            row = rest;
        }

        return Data + Bytes(offset);
    }

    /// <summary>The row as f32: where it lies if it is f32 already, else widened into <paramref name="scratch"/>.</summary>
    public float* FloatRow(long row, float* scratch) => Widening.Row(Element, Row(row), InnerStride, Dims[^1], scratch);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_owned);
        _owned = null;
    }

    private static void Check(TensorDescriptor descriptor, ConstantData? constant)
    {
        bool generated = constant?.Generator is not null;
        if (constant is null || constant.Ranges.IsDefault || constant.Ranges.IsEmpty != generated || descriptor.Dims.Any(d => !d.IsConstant))
        {
            throw new ArgumentException($"a constant {descriptor} comes without its bytes");
        }

        // Where the type is quantised, there are two dimensions or more, and the last is whole blocks: the table of kernels sees to it.
        long slice = 1;
        for (int i = 1; i < descriptor.Rank; i++)
        {
            slice = checked(slice * descriptor.Dims[i].Constant);
        }

        long sliceBytes = descriptor.Element.Bytes(slice);
        long bytes = descriptor.Rank == 0 ? sliceBytes : checked(sliceBytes * descriptor.Dims[0].Constant);
        bool typed = constant.Type == descriptor.Element && constant.Shape.SequenceEqual(descriptor.Dims.Select(d => d.Code));
        bool whole = generated || constant.Ranges.All(r => r.Address != 0 && r.Length > 0 && r.Length % Math.Max(1, sliceBytes) == 0);
        if (!typed || !whole || bytes <= 0 || constant.Bytes != bytes)
        {
            throw new ArgumentException($"the bytes of constant {constant.Identity} do not fill {descriptor}");
        }

        if (generated)
        {
            // What a generator can have wrong shows in its first block already.
            byte* block = stackalloc byte[256];
            constant.Read(0, (nint)block, descriptor.Element.BlockBytes());
        }
    }

    private void Join()
    {
        _owned = NativeMemory.AlignedAlloc(checked((nuint)_ranges.Sum(r => r.Length)), CpuBuffer.Alignment);
        Data = (byte*)_owned;
        byte* to = Data;
        foreach (ByteRange range in _ranges)
        {
            Buffer.MemoryCopy((void*)range.Address, to, range.Length, range.Length);
            to += range.Length;
        }
    }

    private Status Place(byte* data)
    {
        Data = data;
        return Status.Ok;
    }

    private void Resolve(in Bindings bindings)
    {
        for (int i = 0; i < Rank; i++)
        {
            Dims[i] = _descriptor.Dims[i].Resolve(bindings);
        }
    }

    private void SetDenseStrides()
    {
        long stride = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            Strides[i] = stride;
            stride = checked(stride * Dims[i]);
        }
    }

    /// <summary>Bytes from the first element to the end of the last; false if a stride is negative or the number absurd.</summary>
    private bool Extent(out long bytes)
    {
        Int128 last = 0;
        bytes = 0;
        for (int i = 0; i < Rank; i++)
        {
            if (Strides[i] < 0)
            {
                return false;
            }

            last += (Int128)(Dims[i] - 1) * Strides[i];
        }

        // A quantised tensor is dense and ends with a block.
        Int128 extent = (last + 1) / _descriptor.Element.BlockElements() * ElementBytes;
        bytes = extent <= long.MaxValue ? (long)extent : 0;
        return bytes > 0;
    }
}
