using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>A launch as a fault's hooks see it: operands and results by element, and arguments that may be replaced.</summary>
internal sealed class Launch(
    MutantKernel kernel, Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset, IDevice device) : IDisposable
{
    private readonly List<IBuffer> _own = [];

    public OpDescriptor Op => kernel.Op;

    public Bindings Bindings => bindings;

    /// <summary>Copies of the arguments, with the processor's own buffers.</summary>
    public Argument[] Arguments => arguments;

    public IBuffer? Workspace => workspace;

    public long WorkspaceOffset => workspaceOffset;

    /// <summary>What a hook before the launch leaves for the one after it.</summary>
    public float[] Kept { get; set; } = [];

    /// <summary>All arguments that the kernel reads are there.</summary>
    public bool IsWhole => arguments.Length == Op.Operands.Length + Op.Results.Length
        && bindings.Within(Op.Maxima)
        && Enumerable.Range(0, arguments.Length).All(i => !IsRead(i) || Tensor.Fits(Descriptor(i), bindings, arguments[i]));

    public void Fire() => kernel.Fault!.Fire();

    /// <summary>Operand <paramref name="i"/>; a constant's values where the fault says that it reads weights.</summary>
    public Tensor In(int i) => kernel.Weights[i] is { } values
        ? new Tensor(Op.Operands[i], bindings, values)
        : new Tensor(Op.Operands[i], bindings, arguments[i], Fire);

    public Tensor Out(int i = 0) => new(Op.Results[i], bindings, arguments[Op.Operands.Length + i], Fire);

    /// <summary>Whether operand <paramref name="i"/> comes with the launch.</summary>
    public bool Has(int i) => i < Op.Operands.Length && arguments[i].Buffer is not null;

    /// <summary>Lets the kernel read a copy of operand <paramref name="i"/>, for the hook to change.</summary>
    public Tensor Replace(int i)
    {
        TensorDescriptor descriptor = Op.Operands[i];
        Tensor given = new(descriptor, bindings, arguments[i], Fire);
        long bytes = descriptor.Element.Bytes(given.Count);
        if (!device.Allocate(MemoryKind.Device, bytes, out IBuffer? copy).IsOk)
        {
            throw new InsufficientMemoryException($"no {bytes} bytes for a copy of an operand");
        }

        _own.Add(copy!);
        arguments[i] = arguments[i] with { Buffer = copy, Offset = 0, Strides = Tensor.Dense(given.Dims) };
        Tensor replaced = new(descriptor, bindings, arguments[i], Fire);
        replaced.Take(given);
        return replaced;
    }

    public void Dispose() => _own.ForEach(o => o.Dispose());

    private bool IsRead(int i) => i >= Op.Operands.Length || (kernel.Inner.Info.ReadsOperands >> i & 1) != 0;

    private TensorDescriptor Descriptor(int i) => i < Op.Operands.Length ? Op.Operands[i] : Op.Results[i - Op.Operands.Length];
}
