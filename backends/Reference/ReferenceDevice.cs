using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>The one device: host memory and an interpreter.</summary>
internal sealed class ReferenceDevice : IDevice
{
    /// <summary>Sums are held in f64 in both precisions; nothing is rounded on the way in.</summary>
    private const int SignificandBits = 53;

    /// <summary>Operands that a bit mask can name.</summary>
    private const int MostOperands = 64;

    private readonly HostConstants _constants = new("reference", Memory, Environment.ProcessorCount);
    private bool _disposed;

    internal static long Memory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    internal Scratch Scratch { get; } = new();

    public Capabilities Capabilities { get; } = new()
    {
        Types = Elements.Types,
        Alignment = NativeBuffer.Alignment,
        PageSize = 128,
        MemoryBytes = Memory,
        Determinism = Determinism.BatchInvariant,
        Numerics = [.. Enum.GetValues<Precision>().Select(p => new Numerics(
            "*", p, Rounding.None, Rounding.None, Rounding.None, SignificandBits, FlushesSubnormals: false))],
    };

    public Status Supports(OpDescriptor op, out Support support)
    {
        support = default;
        if (_disposed)
        {
            return Gone;
        }

        string? reason = Refusal(op);
        support = reason is null ? Support.Yes(ulong.MaxValue) : Support.No(reason);
        return Status.Ok;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        kernel = null;
        if (_disposed)
        {
            return Gone;
        }

        if (Refusal(op) is { } reason)
        {
            return Status.Unsupported($"reference does not run {op?.Name}: {reason}");
        }

        Status status = _constants.Acquire(constants, out HostConstantLease? lease);
        if (!status.IsOk)
        {
            return status;
        }

        status = ConstantBinder.Bind(op, lease!.Constants, out Tensor?[] tensors);
        if (!status.IsOk)
        {
            lease.Dispose();
            return status;
        }

        kernel = new ReferenceKernel(op, KernelTable.Find(op.Name)!, tensors, lease);
        return Status.Ok;
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        buffer = null;
        return _disposed ? Gone : NativeBuffer.Allocate(bytes, Memory, out buffer);
    }

    public Status CreateStream(out IStream? stream)
    {
        stream = _disposed ? null : new ReferenceStream(this);
        return _disposed ? Gone : Status.Ok;
    }

    public void Dispose() => _disposed = true;

    private static Status Gone => Status.InvalidArgument("reference: the device was released");

    /// <summary>Why the op cannot be prepared; null if it can.</summary>
    private static string? Refusal(OpDescriptor op)
    {
        try
        {
            if (!OpCatalog.TryGet(op.Name, out OpDefinition? definition))
            {
                return $"there is no op {op.Name}";
            }

            if (KernelTable.Find(op.Name) is null)
            {
                return definition.Class == OpClass.View ? "a view needs no kernel" : "a block means its opened form";
            }

            foreach (TensorDescriptor tensor in op.Operands.Concat(op.Results))
            {
                if (!Elements.Types.Contains(tensor.Element))
                {
                    return $"type {tensor.Element.Name()} is not read";
                }

                int block = tensor.Element.BlockElements();
                if (block > 1 && (tensor.Rank == 0 || !tensor.Dims[^1].IsConstant || tensor.Dims[^1].Constant % block != 0))
                {
                    return $"{tensor} is no whole number of blocks of {block} in each row";
                }

                if (tensor.Dims.Any(d => d.Resolve(op.Maxima) is < 0 or > int.MaxValue)
                    || new Shape(tensor.Dims.AsSpan()).Elements(op.Maxima) > long.MaxValue / sizeof(double))
                {
                    return $"{tensor} is too large";
                }
            }

            ImmutableArray<TensorType> results = definition.Infer([.. op.Operands.Select(Type)], op.Attributes);
            return op.Operands.Length > MostOperands ? $"more than {MostOperands} operands"
                : results.SequenceEqual(op.Results.Select(Type)) ? null
                : $"its results are {string.Join(", ", results)}";
        }
        catch (OverflowException)
        {
            return "a size overflows";
        }
        catch (Exception e)
        {
            // A descriptor may be malformed in any way (a missing attribute, a default array); none may bring the caller down.
            return e.Message;
        }
    }

    private static TensorType Type(TensorDescriptor tensor) => new(tensor.Element, tensor.Dims.AsSpan());
}
