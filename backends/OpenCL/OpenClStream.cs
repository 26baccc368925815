using HeteroQwen.Backends.OpenCL.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>An in-order queue. Only <see cref="Wait"/> and <see cref="Synchronize"/> wait.</summary>
internal sealed unsafe class OpenClStream(OpenClDevice device, nint queue) : IStream
{
    /// <summary>Where copies between two pieces of host memory pass through the device.</summary>
    private const long BounceBytes = 1 << 20;

    private readonly Queue<(ulong Ticket, nint Event)> _events = new();
    private readonly HashSet<string> _ops = new(StringComparer.Ordinal);
    private nint _queue = queue;
    private nint _bounce;
    private ulong _tickets;
    private Status _failure;

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        if (_queue == 0 || destination is not OpenClBuffer to || source is not OpenClBuffer from || to.Device != device || from.Device != device)
        {
            return Status.InvalidArgument($"{device.Label}: copy: a buffer is not of this device, or the stream is released");
        }

        bool overlaps = to == from && Math.Abs(destinationOffset - sourceOffset) < bytes;
        if (!to.Holds(destinationOffset, bytes) || !from.Holds(sourceOffset, bytes) || overlaps)
        {
            return Status.InvalidArgument(
                $"{device.Label}: copy: {bytes} bytes from {sourceOffset} of {from.Bytes} to {destinationOffset} of {to.Bytes} "
                + (overlaps ? "overlap" : "leave a buffer"));
        }

        return bytes == 0 ? Status.Ok : Enqueue(to, destinationOffset, from, sourceOffset, bytes);
    }

    public Status Fill(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        if (_queue == 0 || buffer is not OpenClBuffer to || to.Device != device || to.IsPinned || !to.Holds(offset, bytes)
            || offset % sizeof(uint) != 0 || bytes % sizeof(uint) != 0)
        {
            return Status.InvalidArgument($"{device.Label}: fill: {bytes} bytes from {offset} are no whole words of a device buffer");
        }

        return bytes == 0 ? Status.Ok : Check(
            device.Cl.EnqueueFillBuffer(_queue, to.Memory, &pattern, sizeof(uint), (nuint)offset, (nuint)bytes, 0, null, (nint*)null), "fill");
    }

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        if (_queue == 0 || kernel is not ClKernel own || own.Device != device)
        {
            return Status.InvalidArgument($"{device.Label}: launch: the kernel is not of this device, or the stream is released");
        }

        try
        {
            _ops.Add(own.Op.Name);
            return own.Launch(_queue, bindings, arguments, workspace as OpenClBuffer, workspaceOffset);
        }
        catch (OverflowException)
        {
            return Status.InvalidArgument($"{device.Label}: {own.Op}: the sizes of a launch with {bindings} overflow");
        }
    }

    public Status Record(out ulong ticket)
    {
        ticket = ++_tickets;
        if (_queue == 0)
        {
            return Status.InvalidArgument($"{device.Label}: record: the stream is released");
        }

        Settle(ulong.MaxValue);
        nint marker;
        int error = device.Cl.EnqueueMarkerWithWaitList(_queue, 0, null, &marker);
        if (error == ClErrors.Success)
        {
            _events.Enqueue((ticket, marker));

            // Work that is not flushed may lie in the queue until somebody waits.
            error = device.Cl.Flush(_queue);
        }

        return Check(error, "record");
    }

    public Status Query(ulong ticket, out bool complete)
    {
        complete = Settle(ticket);
        return _failure;
    }

    public Status Wait(ulong ticket)
    {
        while (_events.TryPeek(out (ulong Ticket, nint Event) first) && first.Ticket <= ticket)
        {
            nint marker = first.Event;
            int error = device.Cl.WaitForEvents(1, &marker);
            Note(StateOf(marker) is < 0 and int state ? state : error);
            device.Cl.ReleaseEvent(marker);
            _events.Dequeue();
        }

        return _failure;
    }

    public Status Synchronize()
    {
        if (_queue == 0)
        {
            return Status.InvalidArgument($"{device.Label}: synchronize: the stream is released");
        }

        int error = device.Cl.Finish(_queue);
        Wait(ulong.MaxValue);
        Note(error);
        Status status = _failure;
        _failure = Status.Ok;
        _ops.Clear();
        return status;
    }

    public void Dispose()
    {
        if (_queue == 0)
        {
            return;
        }

        foreach ((_, nint marker) in _events)
        {
            device.Cl.ReleaseEvent(marker);
        }

        _events.Clear();
        device.Cl.ReleaseCommandQueue(_queue);
        _queue = 0;
        if (_bounce != 0)
        {
            device.Memory.Release(_bounce, BounceBytes);
            _bounce = 0;
        }
    }

    private Status Enqueue(OpenClBuffer to, long toOffset, OpenClBuffer from, long fromOffset, long bytes)
    {
        if (to.IsPinned && from.IsPinned)
        {
            return Bounce((byte*)to.HostAddress + toOffset, (byte*)from.HostAddress + fromOffset, bytes);
        }

        int error = to.IsPinned
            ? Read(from.Memory, fromOffset, (byte*)to.HostAddress + toOffset, bytes)
            : from.IsPinned
            ? Write(to.Memory, toOffset, (byte*)from.HostAddress + fromOffset, bytes)
            : device.Cl.EnqueueCopyBuffer(
                _queue, from.Memory, to.Memory, (nuint)fromOffset, (nuint)toOffset, (nuint)bytes, 0, null, (nint*)null);
        return Check(error, "copy");
    }

    private int Read(nint memory, long offset, byte* to, long bytes) =>
        device.Cl.EnqueueReadBuffer(_queue, memory, false, (nuint)offset, (nuint)bytes, to, 0, null, (nint*)null);

    private int Write(nint memory, long offset, byte* from, long bytes) =>
        device.Cl.EnqueueWriteBuffer(_queue, memory, false, (nuint)offset, (nuint)bytes, from, 0, null, (nint*)null);

    /// <summary>Only the device keeps the order of the stream, so host memory goes to host memory through it.</summary>
    private Status Bounce(byte* to, byte* from, long bytes)
    {
        Status status = _bounce != 0 ? Status.Ok : device.Memory.Create(BounceBytes, Silk.NET.OpenCL.MemFlags.ReadWrite, out _bounce);
        for (long done = 0; done < bytes && status.IsOk; done += BounceBytes)
        {
            long part = Math.Min(BounceBytes, bytes - done);
            int error = Write(_bounce, 0, from + done, part);
            status = Check(error == ClErrors.Success ? Read(_bounce, 0, to + done, part) : error, "copy");
        }

        return status;
    }

    /// <summary>Takes in the tickets that are complete, up to the given one; true if that one is among them.</summary>
    private bool Settle(ulong ticket)
    {
        while (_events.TryPeek(out (ulong Ticket, nint Event) first) && first.Ticket <= ticket)
        {
            int state = StateOf(first.Event);
            if (state > 0)
            {
                return false;
            }

            Note(state);
            device.Cl.ReleaseEvent(first.Event);
            _events.Dequeue();
        }

        return true;
    }

    /// <summary>0 when complete, above while pending, an error below.</summary>
    private int StateOf(nint marker)
    {
        int state = 0;
        int error = device.Cl.GetEventInfo(marker, Silk.NET.OpenCL.EventInfo.CommandExecutionStatus, sizeof(int), &state, null);
        return error == ClErrors.Success ? state : error;
    }

    /// <summary>Keeps the first failure of enqueued work until a synchronize has reported it.</summary>
    private void Note(int error)
    {
        if (error != ClErrors.Success && _failure.IsOk)
        {
            Status cause = ClErrors.Of(error, $"{device.Label}: work that was enqueued failed, one of {string.Join(", ", _ops)}");
            _failure = cause.Code == StatusCode.DeviceLost ? cause : Status.LaunchFailed(cause.Message!);
        }
    }

    private Status Check(int error, string what) =>
        error == ClErrors.Success ? Status.Ok : ClErrors.Of(error, $"{device.Label}: {what}");
}
