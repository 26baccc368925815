using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>A device that is open already, which counts launches and notes requests for nothing.</summary>
internal sealed class CountingBackend(IDevice inner) : IBackend
{
    public string Name => "counting";

    public int Launches { get; private set; }

    /// <summary>The first request for nothing; null if there was none.</summary>
    public string? Empty { get; private set; }

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [new DeviceInfo(0, Name, true, null, 0, [], [])];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = new CountingDevice(this, inner);
        return Status.Ok;
    }

    private void Note(long bytes, string what) => Empty ??= bytes <= 0 ? what : null;

    private sealed class CountingDevice(CountingBackend owner, IDevice inner) : IDevice
    {
        public Capabilities Capabilities => inner.Capabilities;

        public Status Supports(OpDescriptor op, out Support support) => inner.Supports(op, out support);

        public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel) => inner.Prepare(op, constants, out kernel);

        public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
        {
            owner.Note(bytes, "an empty buffer");
            return inner.Allocate(kind, bytes, out buffer);
        }

        public Status CreateStream(out IStream? stream)
        {
            Status status = inner.CreateStream(out stream);
            stream = stream is null ? null : new CountingStream(owner, stream);
            return status;
        }

        public void Dispose()
        {
            // The device is shared and stays open.
        }
    }

    private sealed class CountingStream(CountingBackend owner, IStream inner) : IStream
    {
        public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
        {
            owner.Note(bytes, "an empty copy");
            return inner.Copy(destination, destinationOffset, source, sourceOffset, bytes);
        }

        public Status Fill(IBuffer buffer, long offset, long bytes, uint pattern)
        {
            owner.Note(bytes, "an empty fill");
            return inner.Fill(buffer, offset, bytes, pattern);
        }

        public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
        {
            owner.Launches++;
            return inner.Launch(kernel, bindings, arguments, workspace, workspaceOffset);
        }

        public Status Record(out ulong ticket) => inner.Record(out ticket);

        public Status Query(ulong ticket, out bool complete) => inner.Query(ticket, out complete);

        public Status Wait(ulong ticket) => inner.Wait(ticket);

        public Status Synchronize() => inner.Synchronize();

        public void Dispose() => inner.Dispose();
    }
}
