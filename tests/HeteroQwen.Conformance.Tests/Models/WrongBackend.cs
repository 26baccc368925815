using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Tests;

/// <summary>A launch on the processor, whose memory a test may look at and spoil.</summary>
internal sealed class WrongLaunch(OpDescriptor op, ConstantData?[] constants, Bindings bindings, Argument[] arguments, Func<Status> run)
{
    public OpDescriptor Op => op;

    public Bindings Bindings => bindings;

    public Status Status { get; private set; }

    /// <summary>Whether a constant of the op is the model's tensor of this name.</summary>
    public bool Reads(string constant) => constants.Any(c => c is not null && c.Identity.EndsWith($"#{constant}", StringComparison.Ordinal));

    public void Run() => Status = run();

    /// <summary>The memory of an operand, or behind them of a result, dense.</summary>
    public unsafe Span<T> Memory<T>(int argument)
        where T : unmanaged
    {
        Argument at = arguments[argument];
        TensorDescriptor type = argument < op.Operands.Length ? op.Operands[argument] : op.Results[argument - op.Operands.Length];
        return new((void*)(at.Buffer!.HostAddress + (nint)at.Offset), (int)type.Elements(bindings));
    }

    /// <summary>The same as bytes.</summary>
    public unsafe Span<byte> Bytes(int argument) => new(
        (void*)(arguments[argument].Buffer!.HostAddress + (nint)arguments[argument].Offset),
        (int)op.Operands[argument].Element.Bytes(op.Operands[argument].Elements(bindings)));

    /// <summary>What tells the states of an open model apart.</summary>
    public nint StateAddress => arguments[0].Buffer!.HostAddress + (nint)arguments[0].Offset;

    /// <summary>Whether the first operand and the last result lie beside each other in one buffer.</summary>
    public bool HasNeighbours => arguments[0].Buffer == arguments[^1].Buffer && arguments[0].Offset != arguments[^1].Offset;

    public Span<T> Result<T>(int result)
        where T : unmanaged => Memory<T>(op.Operands.Length + result);
}

/// <summary>The processor with a fault: every launch goes through the test.</summary>
internal sealed class WrongBackend(Action<WrongLaunch> around) : IBackend
{
    private readonly CpuBackend _inner = new();
    private readonly Action<WrongLaunch> _around = around;

    public string Name => "wrong";

    /// <summary>Changes an op before it is prepared.</summary>
    public Func<OpDescriptor, OpDescriptor> Alter { get; init; } = op => op;

    public Status Devices(out ImmutableArray<DeviceInfo> devices) => _inner.Devices(out devices);

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        Status status = _inner.Open(index, options, out IDevice? opened);
        device = opened is null ? null : new WrongDevice(this, opened);
        return status;
    }

    private sealed class WrongDevice(WrongBackend backend, IDevice inner) : IDevice
    {
        public Capabilities Capabilities => inner.Capabilities;

        public Status Supports(OpDescriptor op, out Support support) => inner.Supports(op, out support);

        public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
        {
            Status status = inner.Prepare(backend.Alter(op), constants, out IKernel? prepared);
            kernel = prepared is null ? null : new WrongKernel(op, constants, prepared);
            return status;
        }

        public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer) => inner.Allocate(kind, bytes, out buffer);

        public Status CreateStream(out IStream? stream)
        {
            Status status = inner.CreateStream(out IStream? created);
            stream = created is null ? null : new WrongStream(backend, created);
            return status;
        }

        public void Dispose() => inner.Dispose();
    }

    private sealed class WrongKernel(OpDescriptor op, ConstantData?[] constants, IKernel inner) : IKernel
    {
        public OpDescriptor Op => op;

        public ConstantData?[] Constants => constants;

        public IKernel Inner => inner;

        public KernelInfo Info => inner.Info;

        public Status Workspace(in Bindings bindings, out long bytes) => inner.Workspace(bindings, out bytes);

        public void Dispose() => inner.Dispose();
    }

    private sealed class WrongStream(WrongBackend backend, IStream inner) : IStream
    {
        public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes) =>
            inner.Copy(destination, destinationOffset, source, sourceOffset, bytes);

        public Status Fill(IBuffer buffer, long offset, long bytes, uint pattern) => inner.Fill(buffer, offset, bytes, pattern);

        public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
        {
            WrongKernel own = (WrongKernel)kernel;
            Bindings bound = bindings;
            WrongLaunch launch = new(
                own.Op, own.Constants, bound, arguments, () => inner.Launch(own.Inner, bound, arguments, workspace, workspaceOffset));
            backend._around(launch);
            return launch.Status;
        }

        public Status Record(out ulong ticket) => inner.Record(out ticket);

        public Status Query(ulong ticket, out bool complete) => inner.Query(ticket, out complete);

        public Status Wait(ulong ticket) => inner.Wait(ticket);

        public Status Synchronize() => inner.Synchronize();

        public void Dispose() => inner.Dispose();
    }
}
