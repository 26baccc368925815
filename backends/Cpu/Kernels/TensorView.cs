using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// One operand or result of a kernel: dimensions, strides and address, bound anew by each launch without allocating. A constant is
/// bound once, to the host's bytes, whose address may be odd; loads here are unaligned throughout.
/// </summary>
internal sealed unsafe class TensorView : TensorLayout, IDisposable
{
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
        : base(descriptor)
    {
        _isPacked = isPacked;
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

    /// <summary>Address of the first element. For a constant of several ranges, use <see cref="At"/>.</summary>
    public byte* Data { get; private set; }

    public bool KeepsHostBytes => IsConstant && !_isPacked && _owned == null && _generated is null;

    public long OwnedBytes => _owned == null ? 0 : _ranges.Sum(r => r.Length);

    /// <summary>Stride of the last axis; 1 where that axis has one element.</summary>
    public long InnerStride => Rank == 0 || Dims[^1] == 1 ? 1 : Strides[^1];

    /// <summary>Binds the argument. Nothing outside the buffer can be reached afterwards by indices below the dimensions.</summary>
    public Status Bind(in Bindings bindings, in Argument argument, string what)
    {
        if (IsConstant)
        {
            return Status.Ok;
        }

        Status status = BindLayout(bindings, argument, what, out long bytes);
        if (!status.IsOk)
        {
            return status;
        }

        if (argument.Buffer is not CpuBuffer buffer)
        {
            return Status.InvalidArgument($"{what} has no buffer of this backend");
        }

        if (bytes == 0 || !buffer.Holds(argument.Offset, bytes))
        {
            return Status.InvalidArgument($"{what} at offset {argument.Offset} leaves its buffer of {buffer.Bytes} bytes");
        }

        Data = buffer.Data + argument.Offset;
        return Status.Ok;
    }

    /// <summary>Bytes of elements that lie side by side, whole blocks where the type is quantised.</summary>
    public long Bytes(long elements) => elements / Descriptor.Element.BlockElements() * ElementBytes;

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
}
