using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.TestSupport;

/// <summary>A backend whose device works as another does, but says what the test wants of itself and counts what it is asked.</summary>
public sealed class ScriptedBackend(IBackend inner) : IBackend
{
    public string Name => "scripted";

    /// <summary>Changes the inner device's capabilities.</summary>
    public Func<Capabilities, Capabilities> Alter { get; init; } = c => c;

    /// <summary>Why an op is refused; null to ask the inner device.</summary>
    public Func<OpDescriptor, string?> Refuse { get; init; } = _ => null;

    /// <summary>Ops that take dense operands only.</summary>
    public IReadOnlyList<string> DenseOps { get; init; } = [];

    /// <summary>Ops whose kernels read all bytes of their constants when they are prepared, and say that they read none later.</summary>
    public Func<OpDescriptor, bool> Packs { get; init; } = _ => false;

    /// <summary>Ops prepared, in order.</summary>
    public List<OpDescriptor> Prepared { get; } = [];

    /// <summary>Ops launched, in order.</summary>
    public List<string> Launched { get; } = [];

    /// <summary>Bytes allocated and not released.</summary>
    public long Allocated { get; internal set; }

    /// <summary>Op whose launch fails, and with what.</summary>
    public (string Op, Status Status)? FailAt { get; set; }

    public Status Devices(out ImmutableArray<DeviceInfo> devices) => inner.Devices(out devices);

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        Status status = inner.Open(index, options, out device);
        device = device is null ? null : new ScriptedDevice(this, device);
        return status;
    }
}

internal sealed class ScriptedDevice(ScriptedBackend script, IDevice inner) : IDevice
{
    public Capabilities Capabilities { get; } = script.Alter(inner.Capabilities);

    public Status Supports(OpDescriptor op, out Support support)
    {
        Status status = inner.Supports(op, out support);
        support = script.Refuse(op) is { } reason ? Support.No(reason)
            : script.DenseOps.Contains(op.Name) ? support with { StridedOperands = 0 }
            : script.Packs(op) ? support with { ConstantBytes = ConstantBytes(op) }
            : support;
        return status;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        script.Prepared.Add(op);
        Status status = inner.Prepare(op, constants, out kernel);
        if (kernel is not null)
        {
            bool packs = script.Packs(op);
            Array.ForEach(packs ? constants : [], Read);
            kernel = new ScriptedKernel(op.Name, kernel, packs ? kernel.Info with { KeepsHostConstants = false } : kernel.Info);
        }

        return status;
    }

    private static long ConstantBytes(OpDescriptor op) =>
        op.Operands.Where(o => o.Role == TensorRole.Constant).Sum(o => o.Element.Bytes(o.Elements(default)));

    private static void Read(ConstantData? constant)
    {
        byte[] bytes = new byte[constant?.Bytes ?? 0];
        unsafe
        {
            fixed (byte* to = bytes)
            {
                constant?.Read(0, (nint)to, bytes.Length);
            }
        }
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        Status status = inner.Allocate(kind, bytes, out buffer);
        buffer = buffer is null ? null : new ScriptedBuffer(script, buffer);
        script.Allocated += buffer?.Bytes ?? 0;
        return status;
    }

    public Status CreateStream(out IStream? stream)
    {
        Status status = inner.CreateStream(out stream);
        stream = stream is null ? null : new ScriptedStream(script, stream);
        return status;
    }

    public void Dispose() => inner.Dispose();
}

internal sealed class ScriptedKernel(string op, IKernel inner, KernelInfo info) : IKernel
{
    public string Op => op;

    public IKernel Inner => inner;

    public KernelInfo Info => info;

    public Status Workspace(in Bindings bindings, out long bytes) => inner.Workspace(bindings, out bytes);

    public void Dispose() => inner.Dispose();
}

internal sealed class ScriptedBuffer(ScriptedBackend script, IBuffer inner) : IBuffer
{
    private bool _released;

    public IBuffer Inner => inner;

    public long Bytes => inner.Bytes;

    public nint HostAddress => inner.HostAddress;

    public void Dispose()
    {
        script.Allocated -= _released ? 0 : Bytes;
        _released = true;
        inner.Dispose();
    }
}

internal sealed class ScriptedStream(ScriptedBackend script, IStream inner) : IStream
{
    private Argument[] _arguments = [];

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes) =>
        inner.Copy(Unwrap(destination)!, destinationOffset, Unwrap(source)!, sourceOffset, bytes);

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        ScriptedKernel scripted = (ScriptedKernel)kernel;
        if (script.FailAt is { } fail && fail.Op == scripted.Op)
        {
            return fail.Status;
        }

        script.Launched.Add(scripted.Op);
        _arguments = [.. arguments.Select(a => a with { Buffer = Unwrap(a.Buffer) })];
        return inner.Launch(scripted.Inner, bindings, _arguments, Unwrap(workspace), workspaceOffset);
    }

    public Status Record(out ulong ticket) => inner.Record(out ticket);

    public Status Query(ulong ticket, out bool complete) => inner.Query(ticket, out complete);

    public Status Wait(ulong ticket) => inner.Wait(ticket);

    public Status Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();

    private static IBuffer? Unwrap(IBuffer? buffer) => buffer is ScriptedBuffer scripted ? scripted.Inner : buffer;
}
