using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>
/// A prepared op: checks the arguments of a launch and hands them, as tensors, to the op's kernel. Nothing is read or written before
/// all of it is known to lie in live buffers.
/// </summary>
internal sealed unsafe class ReferenceKernel : IKernel
{
    private readonly OpDescriptor _op;
    private readonly KernelEntry _entry;
    private readonly Tensor?[] _constants;
    private readonly HostConstantLease _lease;
    private readonly Tensor[] _operands;
    private readonly Tensor[] _results;
    private readonly long[][] _dims;
    private readonly (nint First, nint End)[] _extents;
    private bool _disposed;

    /// <param name="op">The op.</param>
    /// <param name="entry">Its kernel.</param>
    /// <param name="constants">Its constants, bound.</param>
    /// <param name="lease">What they lie in, released with the kernel.</param>
    public ReferenceKernel(OpDescriptor op, KernelEntry entry, Tensor?[] constants, HostConstantLease lease)
    {
        (_op, _entry, _constants, _lease) = (op, entry, constants, lease);
        _operands = new Tensor[op.Operands.Length];
        _results = new Tensor[op.Results.Length];
        _dims = [.. op.Operands.Concat(op.Results).Select(t => new long[t.Rank])];
        _extents = new (nint, nint)[_dims.Length];
        ulong reads = 0;
        for (int i = 0; i < constants.Length; i++)
        {
            reads |= constants[i] is null && !entry.Ignores.Contains(i) ? 1UL << i : 0;
        }

        bool keeps = Array.Exists(constants, c => c is not null);
        Info = new KernelInfo(reads, HostOperands: 0, InPlace: [], ReadsBack: false, KeepsHostConstants: keeps, ConstantBytes: 0);
    }

    public KernelInfo Info { get; }

    public Status Workspace(in Bindings bindings, out long bytes)
    {
        bytes = 0;
        return Check(bindings);
    }

    public Status Run(in Bindings bindings, Argument[] arguments, Scratch scratch)
    {
        Status status = Check(bindings);
        if (status.IsOk && arguments?.Length != _dims.Length)
        {
            status = Refuse($"{arguments?.Length ?? 0} arguments for {_operands.Length} operands and {_results.Length} results");
        }

        try
        {
            for (int i = 0; status.IsOk && i < _dims.Length; i++)
            {
                status = Bind(i, arguments![i], bindings);
            }

            status = status.IsOk ? CheckOverlaps() : status;
            if (status.IsOk)
            {
                _entry.Run(new Launch(_op, _operands, _results, scratch));
            }

            return status;
        }
        catch (LaunchException e)
        {
            return Status.InvalidArgument(e.Message);
        }
        catch (OverflowException)
        {
            return Refuse("the strides or sizes of an argument overflow");
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory($"{_op.Name}: the host has no memory left for a row of the op");
        }
        catch (Exception e)
        {
            // No member throws: a fault of a kernel here must reach the caller as a status too.
            return new Status(StatusCode.Internal, $"{_op}: reference failed: {e.Message}");
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _lease.Dispose();
    }

    private Status Check(in Bindings bindings) =>
        _disposed ? Refuse("the kernel was released")
        : bindings.Within(_op.Maxima) ? Status.Ok
        : Refuse($"bindings {bindings} exceed the maxima {_op.Maxima}");

    private Status Refuse(string reason) => Status.InvalidArgument($"{_op.Name}: {reason}");

    private string Name(int i) => i < _operands.Length ? $"operand {i}" : $"result {i - _operands.Length}";

    private TensorDescriptor Descriptor(int i) => i < _operands.Length ? _op.Operands[i] : _op.Results[i - _operands.Length];

    private Status Bind(int i, in Argument argument, in Bindings bindings)
    {
        _extents[i] = default;
        TensorDescriptor descriptor = Descriptor(i);
        long[] dims = _dims[i];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            dims[axis] = descriptor.Dim(axis, bindings);
            if (dims[axis] < 1)
            {
                return Refuse($"dimension {axis} of {Name(i)} is {dims[axis]}");
            }
        }

        if (i < _operands.Length && (_constants[i] is not null || (Info.ReadsOperands >> i & 1) == 0))
        {
            // Of an operand that is not read the kernel knows the shape only.
            _operands[i] = _constants[i] ?? new Tensor(descriptor.Element, dims, [], null);
            return Status.Ok;
        }

        return BindMemory(i, descriptor, dims, argument);
    }

    private Status BindMemory(int i, TensorDescriptor descriptor, long[] dims, in Argument argument)
    {
        if (argument.Strides?.Length != dims.Length)
        {
            return Refuse($"{Name(i)} comes with {argument.Strides?.Length ?? 0} strides for {dims.Length} dimensions");
        }

        // Nothing here needs the alignment, but a caller that breaks it here breaks it on every device.
        if (argument.Offset % NativeBuffer.Alignment != 0 && !(_op.Name == "copy" && i < _operands.Length))
        {
            return Refuse($"{Name(i)} begins at byte {argument.Offset}, which is no multiple of {NativeBuffer.Alignment}");
        }

        long last = 0;
        for (int axis = 0; axis < dims.Length; axis++)
        {
            if (argument.Strides[axis] < 0)
            {
                return Refuse($"stride {axis} of {Name(i)} is {argument.Strides[axis]}");
            }

            last = checked(last + ((dims[axis] - 1) * argument.Strides[axis]));
        }

        int block = descriptor.Element.BlockElements();
        if (block > 1 && (argument.Strides[^1] != 1 || argument.Strides.SkipLast(1).Any(s => s % block != 0)))
        {
            return Refuse($"{Name(i)} is quantised, and its strides break its blocks of {block}");
        }

        long bytes = descriptor.Element.Bytes(checked(last + 1));
        Status status = NativeBuffer.Range(argument.Buffer, argument.Offset, bytes, $"{_op.Name}: {Name(i)}", out byte* address);
        Tensor tensor = new(descriptor.Element, dims, argument.Strides, address);
        if (i < _operands.Length)
        {
            _operands[i] = tensor;
        }
        else
        {
            _results[i - _operands.Length] = tensor;
        }

        _extents[i] = ((nint)address, (nint)address + (nint)bytes);
        return status;
    }

    /// <summary>A result lies apart from all else, save the state that it is the next version of, which it lies upon.</summary>
    private Status CheckOverlaps()
    {
        for (int i = _operands.Length; i < _extents.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                bool updates = _entry.UpdatesOperand0 && i == _operands.Length && j == 0;
                bool overlaps = _extents[i].First < _extents[j].End && _extents[j].First < _extents[i].End;
                if (updates ? _extents[i] != _extents[j] : overlaps)
                {
                    return Refuse($"{Name(i)} {(updates ? "does not lie upon" : "overlaps")} {Name(j)}");
                }
            }
        }

        return Status.Ok;
    }
}
