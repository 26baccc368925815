using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>Runs everything at once, on the caller's thread; every ticket is complete when it is given out.</summary>
internal sealed unsafe class ReferenceStream(ReferenceDevice device) : IStream
{
    private ulong _tickets;
    private bool _disposed;

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        if (_disposed)
        {
            return Gone;
        }

        Status status = NativeBuffer.Range(source, sourceOffset, bytes, "copy, source", out byte* from);
        if (!status.IsOk)
        {
            return status;
        }

        status = NativeBuffer.Range(destination, destinationOffset, bytes, "copy, destination", out byte* to);
        if (status.IsOk)
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
        }

        return status;
    }

    public Status Fill(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        if (_disposed)
        {
            return Gone;
        }

        if (offset % sizeof(uint) != 0 || bytes % sizeof(uint) != 0)
        {
            return Status.InvalidArgument($"fill: {bytes} bytes from byte {offset} on are not whole words");
        }

        Status status = NativeBuffer.Range(buffer, offset, bytes, "fill", out byte* to);
        for (long i = 0; status.IsOk && i < bytes / sizeof(uint); i++)
        {
            ((uint*)to)[i] = pattern;
        }

        return status;
    }

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset) =>
        _disposed ? Gone
        : kernel is ReferenceKernel own ? own.Run(bindings, arguments, device.Scratch)
        : Status.InvalidArgument("launch: the kernel is not one of this device");

    public Status Record(out ulong ticket)
    {
        ticket = _disposed ? 0 : ++_tickets;
        return _disposed ? Gone : Status.Ok;
    }

    public Status Query(ulong ticket, out bool complete)
    {
        Status status = Wait(ticket);
        complete = status.IsOk;
        return status;
    }

    public Status Wait(ulong ticket) =>
        _disposed ? Gone
        : ticket >= 1 && ticket <= _tickets ? Status.Ok
        : Status.InvalidArgument($"ticket {ticket} was not given out by this stream");

    public Status Synchronize() => _disposed ? Gone : Status.Ok;

    public void Dispose() => _disposed = true;

    private static Status Gone => Status.InvalidArgument("reference: the stream was released");
}
