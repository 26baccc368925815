using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>A prepared op. Launches of a device come one at a time, so that a kernel keeps what a launch needs in its fields.</summary>
internal abstract unsafe class CpuKernel : IKernel
{
    private readonly TensorView[] _views;
    private readonly string[] _names;
    private readonly ulong _reads;
    private bool _disposed;

    /// <param name="op">The op.</param>
    /// <param name="constants">Bytes of its constants.</param>
    /// <param name="pool">The device's workers.</param>
    /// <param name="scratchBytes">Memory that a worker needs for one unit.</param>
    /// <param name="ignores">Bit i: operand i is not read.</param>
    /// <exception cref="ArgumentException">A constant does not fit.</exception>
    /// <exception cref="OutOfMemoryException">Memory for scratch or joined constants is refused.</exception>
    protected CpuKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool, long scratchBytes = 0, ulong ignores = 0)
    {
        if (constants.Length != op.Operands.Length)
        {
            throw new ArgumentException($"{constants.Length} entries of constants for {op.Operands.Length} operands");
        }

        Op = op;
        Pool = pool;
        pool.EnsureScratch(scratchBytes);
        Operands =
        [
            .. op.Operands.Select((o, i) => new TensorView(o, constants[i], !KernelTable.ReadsByRow(op, i), KernelTable.Packs(op, i))),
        ];
        Results = [.. op.Results.Select(r => new TensorView(r, null, false))];
        _views = [.. Operands, .. Results];
        _names = [
            .. op.Operands.Select((o, i) => $"cpu: {op.Name}: operand {i} ({o})"),
            .. op.Results.Select((r, i) => $"cpu: {op.Name}: result {i} ({r})"),
        ];
        _reads = Mask(i => !Operands[i].IsConstant) & ~ignores;
        Info = new KernelInfo(_reads, 0, [], false, Operands.Any(o => o.KeepsHostBytes), Operands.Sum(o => o.OwnedBytes));
    }

    public OpDescriptor Op { get; }

    public KernelInfo Info { get; protected init; }

    /// <summary>The memory of its generated constants, released with the kernel.</summary>
    internal HostConstantLease? Lease { get; set; }

    protected WorkerPool Pool { get; }

    protected TensorView[] Operands { get; }

    protected TensorView[] Results { get; }

    /// <summary>The launch's workspace; null where none is asked for.</summary>
    protected byte* Workspace { get; private set; }

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
            return Status.OutOfMemory($"cpu: {Op}: the workspace for {bindings} cannot be counted");
        }
    }

    /// <summary>Binds the arguments, checks them and runs the op.</summary>
    /// <exception cref="WorkerException">A worker threw.</exception>
    public Status Launch(in Bindings bindings, Argument[] arguments, CpuBuffer? workspace, long workspaceOffset)
    {
        if (_disposed || arguments.Length != _views.Length || !bindings.Within(Op.Maxima))
        {
            string reason = _disposed ? "the kernel is released"
                : arguments.Length != _views.Length ? $"{arguments.Length} arguments for {_views.Length} operands and results"
                : $"bindings {bindings} exceed the maxima {Op.Maxima}";
            return Status.InvalidArgument($"cpu: {Op.Name}: {reason}");
        }

        for (int i = 0; i < _views.Length; i++)
        {
            bool absent = i < Operands.Length && (_reads & (1UL << i)) == 0;
            Status status = absent ? Status.Ok : _views[i].Bind(bindings, arguments[i], _names[i]);
            if (!status.IsOk)
            {
                return status;
            }
        }

        long bytes = WorkspaceBytes(bindings);
        if (bytes > 0 && (workspace is null || !workspace.Holds(workspaceOffset, bytes)))
        {
            return Status.InvalidArgument($"cpu: {Op.Name}: the workspace is smaller than the {bytes} bytes that it needs");
        }

        Workspace = bytes > 0 ? workspace!.Data + workspaceOffset : null;
        return Run(bindings);
    }

    public virtual void Dispose()
    {
        _disposed = true;
        foreach (TensorView view in _views)
        {
            view.Dispose();
        }

        Lease?.Dispose();
    }

    /// <summary>Bytes of workspace; monotone in the bindings.</summary>
    protected virtual long WorkspaceBytes(in Bindings bindings) => 0;

    protected abstract Status Run(in Bindings bindings);

    /// <summary>Bytes of so many floats.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    protected static long Floats(long count) => checked(count * sizeof(float));

    /// <summary>The largest extent of an axis in any launch.</summary>
    protected static long Most(OpDescriptor op, int operand, int axis) => op.Operands[operand].Dim(axis, op.Maxima);

    /// <summary>Pairs of the operands that are laid out as result 0 is: written there element by element, in place.</summary>
    protected static ImmutableArray<(int Operand, int Result)> SameLayout(OpDescriptor op) =>
    [
        .. Enumerable.Range(0, op.Operands.Length).Where(i => op.Operands[i] is { Strided: false, Role: not TensorRole.Constant } o
            && o.Element == op.Results[0].Element && o.Dims.SequenceEqual(op.Results[0].Dims)).Select(i => (i, 0)),
    ];

    /// <summary>The first index out of range as a status; ok if there is none.</summary>
    protected Status CheckIndices(int operand, long bound)
    {
        TensorView index = Operands[operand];
        var values = new ReadOnlySpan<int>(index.Data, checked((int)index.Elements));
        for (int i = 0; i < values.Length; i++)
        {
            if ((uint)values[i] >= bound)
            {
                return Status.InvalidArgument($"{_names[operand]}: index {values[i]} at {i} is not in 0..{bound - 1}");
            }
        }

        return Status.Ok;
    }

    private ulong Mask(Func<int, bool> holds)
    {
        ulong mask = 0;
        for (int i = 0; i < Math.Min(64, Operands.Length); i++)
        {
            mask |= holds(i) ? 1UL << i : 0;
        }

        return mask;
    }
}
