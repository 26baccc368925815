using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>One operand or result of a kernel: dimensions, strides and memory, bound anew by each launch without allocating.</summary>
internal sealed class TensorSlot(TensorDescriptor descriptor, string what) : TensorLayout(descriptor), IDisposable
{
    private ConstantLease? _lease;
    private TensorPart _part;

    public long ConstantBytes => _lease?.Bytes ?? 0;

    public nint Memory => Part(0).Memory;

    /// <summary>Bytes from the start of the memory to the first element.</summary>
    public long Offset => Part(0).Offset;

    /// <summary>Memory objects that hold the tensor: 1 save for large constants.</summary>
    public int PartCount => _lease?.Parts.Length ?? 1;

    public TensorPart Part(int index) => _lease?.Parts[index] ?? _part;

    /// <summary>Puts a constant into device memory.</summary>
    /// <exception cref="ArgumentException">The bytes do not fit.</exception>
    /// <exception cref="StatusException">There is no memory for them.</exception>
    public void Hold(ConstantStore store, ConstantData? constant, bool whole)
    {
        if (!IsConstant)
        {
            if (constant is not null)
            {
                throw new ArgumentException($"{Descriptor} is no constant and comes with bytes");
            }

            return;
        }

        _lease = store.Acquire(Descriptor, constant);
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

        Status status = BindLayout(bindings, argument, what, out long bytes);
        if (!status.IsOk)
        {
            return status;
        }

        if (argument.Buffer is not OpenClBuffer buffer || buffer.Device != device || buffer.IsPinned)
        {
            return Status.InvalidArgument($"{what} has no device buffer of this device");
        }

        if (bytes == 0 || !buffer.Holds(argument.Offset, bytes))
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
}
