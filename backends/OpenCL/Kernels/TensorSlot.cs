using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>One operand or result of a kernel: dimensions, strides and memory, bound anew by each launch without allocating.</summary>
internal sealed class TensorSlot(TensorDescriptor descriptor, string what) : IDisposable
{
    private ConstantLease? _lease;
    private TensorPart _part;

    public TensorDescriptor Descriptor => descriptor;

    public ElementType Element => descriptor.Element;

    public int Rank => Dims.Length;

    public long[] Dims { get; } = new long[descriptor.Rank];

    /// <summary>Elements from one index to the next on each axis.</summary>
    public long[] Strides { get; } = new long[descriptor.Rank];

    /// <summary>Bytes of an element; of a block where the type is quantised.</summary>
    public int ElementBytes => descriptor.Element.BlockBytes();

    public bool IsConstant => descriptor.Role == TensorRole.Constant;

    public long ConstantBytes => _lease?.Bytes ?? 0;

    public nint Memory => Part(0).Memory;

    /// <summary>Bytes from the start of the memory to the first element.</summary>
    public long Offset => Part(0).Offset;

    /// <summary>Memory objects that hold the tensor: 1 save for large constants.</summary>
    public int PartCount => _lease?.Parts.Length ?? 1;

    public long Last => Dims[^1];

    public long Elements => Product(0, Rank);

    public TensorPart Part(int index) => _lease?.Parts[index] ?? _part;

    public long Product(int first, int last)
    {
        long product = 1;
        for (int i = first; i < last; i++)
        {
            product *= Dims[i];
        }

        return product;
    }

    /// <summary>Puts a constant into device memory.</summary>
    /// <exception cref="ArgumentException">The bytes do not fit.</exception>
    /// <exception cref="StatusException">There is no memory for them.</exception>
    public void Hold(ConstantStore store, ConstantData? constant, bool whole)
    {
        if (!IsConstant)
        {
            if (constant is not null)
            {
                throw new ArgumentException($"{descriptor} is no constant and comes with bytes");
            }

            return;
        }

        _lease = store.Acquire(descriptor, constant);
        Resolve(default);
        SetDenseStrides();
        if (whole && _lease.Parts.Length > 1)
        {
            throw new StatusException(Status.OutOfMemory($"{what} exceeds the device's largest buffer"));
        }
    }

    /// <summary>Binds the dimensions of an operand that is not read.</summary>
    public Status BindDims(in Bindings bindings)
    {
        Resolve(bindings);
        return Status.Ok;
    }

    /// <summary>Binds the argument. Nothing outside the buffer can be reached afterwards by indices below the dimensions.</summary>
    public Status Bind(OpenClDevice device, in Bindings bindings, in Argument argument)
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

        if (argument.Buffer is not OpenClBuffer buffer || buffer.Device != device || buffer.IsPinned)
        {
            return Status.InvalidArgument($"{what} has no device buffer of this device");
        }

        if (!descriptor.Strided)
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

        if (!Extent(out long bytes) || !buffer.Holds(argument.Offset, bytes))
        {
            return Status.InvalidArgument($"{what} at offset {argument.Offset} leaves its buffer of {buffer.Bytes} bytes");
        }

        _part = new TensorPart(buffer.Memory, argument.Offset, 0, Rank == 0 ? 1 : Dims[0]);
        return Status.Ok;
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _lease = null;
    }

    private void Resolve(in Bindings bindings)
    {
        for (int i = 0; i < Rank; i++)
        {
            Dims[i] = descriptor.Dims[i].Resolve(bindings);
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
        Int128 extent = (last + 1) / descriptor.Element.BlockElements() * ElementBytes;
        bytes = extent <= long.MaxValue ? (long)extent : 0;
        return bytes > 0;
    }
}
