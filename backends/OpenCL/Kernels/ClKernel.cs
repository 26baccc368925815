using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>A prepared op. Launches of a device come one at a time, so that a kernel keeps what a launch needs in its fields.</summary>
/// <param name="device">The device.</param>
/// <param name="op">The op; <c>supports</c> has said yes to it.</param>
/// <param name="ignores">Bit i: operand i is not read.</param>
internal abstract class ClKernel(OpenClDevice device, OpDescriptor op, ulong ignores = 0) : IKernel
{
    private readonly TensorSlot[] _operands =
        [.. op.Operands.Select((o, i) => new TensorSlot(o, $"{device.Label}: {op.Name}: operand {i} ({o})"))];

    private readonly TensorSlot[] _results =
        [.. op.Results.Select((r, i) => new TensorSlot(r, $"{device.Label}: {op.Name}: result {i} ({r})"))];

    private readonly List<IDisposable> _owned = [];
    private bool _disposed;

    public OpDescriptor Op => op;

    public OpenClDevice Device => device;

    public KernelInfo Info { get; private set; } = new(0, 0, [], false, false, 0);

    protected TensorSlot[] Operands => _operands;

    protected TensorSlot[] Results => _results;

    protected Tuning Tuning => device.Tuning;

    /// <summary>The launch's workspace; 0 where none is asked for.</summary>
    protected nint Workspace { get; private set; }

    protected long WorkspaceOffset { get; private set; }

    Status IKernel.Workspace(in Bindings bindings, out long bytes)
    {
        try
        {
            bytes = WorkspaceBytes(bindings);
            return Status.Ok;
        }
        catch (OverflowException)
        {
            bytes = 0;
            return Status.OutOfMemory($"{device.Label}: {op}: the workspace for {bindings} cannot be counted");
        }
    }

    /// <summary>Uploads the constants and compiles. A kernel that throws is disposed of by the caller.</summary>
    /// <exception cref="StatusException">A constant or a program cannot be had.</exception>
    /// <exception cref="ArgumentException">A constant does not fit.</exception>
    public void Prepare(ConstantData?[] constants)
    {
        if (constants is null || constants.Length != op.Operands.Length)
        {
            throw new ArgumentException($"{constants?.Length ?? 0} entries of constants for {op.Operands.Length} operands");
        }

        for (int i = 0; i < _operands.Length; i++)
        {
            _operands[i].Hold(device.Constants, constants[i], !SplitsConstant(i));
        }

        Build();
        ulong reads = 0;
        for (int i = 0; i < _operands.Length; i++)
        {
            reads |= _operands[i].IsConstant ? 0 : 1UL << i;
        }

        Info = new KernelInfo(reads & ~ignores, 0, InPlace(), false, false, _operands.Sum(o => o.ConstantBytes));
    }

    /// <summary>Binds the arguments, checks them and enqueues the op.</summary>
    public Status Launch(nint queue, in Bindings bindings, Argument[] arguments, OpenClBuffer? workspace, long workspaceOffset)
    {
        int count = _operands.Length + _results.Length;
        if (_disposed || arguments is null || arguments.Length != count || !bindings.Within(op.Maxima))
        {
            string reason = _disposed ? "the kernel is released"
                : arguments?.Length != count ? $"{arguments?.Length ?? 0} arguments for {count} operands and results"
                : $"bindings {bindings} exceed the maxima {op.Maxima}";
            return Status.InvalidArgument($"{device.Label}: {op.Name}: {reason}");
        }

        for (int i = 0; i < count; i++)
        {
            bool absent = i < _operands.Length && (Info.ReadsOperands & (1UL << i)) == 0;
            TensorSlot slot = i < _operands.Length ? _operands[i] : _results[i - _operands.Length];
            Status status = absent && !slot.IsConstant ? slot.BindDims(bindings) : slot.Bind(device, bindings, arguments[i]);
            if (!status.IsOk)
            {
                return status;
            }
        }

        long bytes = WorkspaceBytes(bindings);
        if (bytes > 0 && (workspace is null || workspace.Device != device || !workspace.Holds(workspaceOffset, bytes)))
        {
            return Status.InvalidArgument($"{device.Label}: {op.Name}: the workspace is smaller than the {bytes} bytes that it needs");
        }

        (Workspace, WorkspaceOffset) = bytes > 0 ? (workspace!.Memory, workspaceOffset) : (0, 0);
        return Enqueue(queue);
    }

    public void Dispose()
    {
        _disposed = true;
        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
        foreach (TensorSlot slot in _operands)
        {
            slot.Dispose();
        }
    }

    /// <summary>Compiles what launches need.</summary>
    protected abstract void Build();

    /// <summary>Enqueues the op; operands and results are bound.</summary>
    protected abstract Status Enqueue(nint queue);

    /// <summary>Bytes of workspace; monotone in the bindings.</summary>
    protected virtual long WorkspaceBytes(in Bindings bindings) => 0;

    /// <summary>Whether a constant operand may lie in several memory objects.</summary>
    protected virtual bool SplitsConstant(int operand) => false;

    /// <summary>Pairs (operand, result) that may share memory.</summary>
    protected virtual ImmutableArray<(int Operand, int Result)> InPlace() => [];

    /// <summary>A function that is released with the kernel.</summary>
    protected ClFunction Function(string file, string definitions, string name, int lanes)
    {
        ClFunction function = new(device, file, definitions, name, lanes);
        _owned.Add(function);
        return function;
    }

    protected void Own(IDisposable owned) => _owned.Add(owned);

    /// <summary>Pairs of the operands that are laid out as result 0 is: written there element by element, in place.</summary>
    protected ImmutableArray<(int Operand, int Result)> SameLayout() =>
    [
        .. Enumerable.Range(0, op.Operands.Length).Where(i => op.Operands[i] is { Strided: false, Role: not TensorRole.Constant } o
            && o.Element == op.Results[0].Element && o.Dims.SequenceEqual(op.Results[0].Dims)).Select(i => (i, 0)),
    ];
}
