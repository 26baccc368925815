using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Changes where a copy goes.</summary>
internal delegate void Redirect(ref long destination, ref long source, ref long bytes);

/// <summary>Copies otherwise than asked for.</summary>
internal sealed class CopyStream(MutantStream plain, Redirect redirect) : MutantStream(plain)
{
    public override Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        (long to, long from, long count) = (destinationOffset, sourceOffset, bytes);
        redirect(ref to, ref from, ref count);
        if ((to, from, count) != (destinationOffset, sourceOffset, bytes))
        {
            Fault.Fire();
        }

        return base.Copy(destination, to, source, from, count);
    }
}

/// <summary>Fills with the low byte of the pattern.</summary>
internal sealed class ByteFillStream(MutantStream plain) : MutantStream(plain)
{
    public override Status Fill(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        uint repeated = (pattern & 0xFF) * 0x01010101;
        if (repeated != pattern)
        {
            Fault.Fire();
        }

        return base.Fill(buffer, offset, bytes, repeated);
    }
}

/// <summary>A stream that works when it is waited for. Copies may overtake, and a ticket may be complete too early.</summary>
internal sealed class LateStream(MutantStream plain, bool overtakes, bool early) : MutantStream(plain)
{
    private readonly Queue<Func<Status>> _queue = [];

    public override Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        if (!IsWithin(destination, destinationOffset, bytes) || !IsWithin(source, sourceOffset, bytes))
        {
            // Refused by the processor, and at once: what is late here is the work, not the checks.
            return base.Copy(destination, destinationOffset, source, sourceOffset, bytes);
        }

        if (!overtakes)
        {
            return Enqueue(() => base.Copy(destination, destinationOffset, source, sourceOffset, bytes));
        }

        if (_queue.Count > 0)
        {
            Fault.Fire();
        }

        return base.Copy(destination, destinationOffset, source, sourceOffset, bytes);
    }

    public override Status Fill(IBuffer buffer, long offset, long bytes, uint pattern) =>
        Enqueue(() => base.Fill(buffer, offset, bytes, pattern));

    public override Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        Argument[] seen = [.. arguments.Select(a => a with { Buffer = Unwrap(a.Buffer) })];
        using (Launch look = new((MutantKernel)kernel, bindings, seen, null, 0, Device))
        {
            if (!look.IsWhole)
            {
                return base.Launch(kernel, bindings, arguments, workspace, workspaceOffset);
            }
        }

        Bindings bound = bindings;
        Argument[] kept = [.. arguments.Select(a => a with { Strides = [.. a.Strides ?? []] })];
        return Enqueue(() => base.Launch(kernel, bound, kept, workspace, workspaceOffset));
    }

    public override Status Query(ulong ticket, out bool complete)
    {
        if (early && _queue.Count > 0)
        {
            Fault.Fire();
        }

        Status status = early ? Status.Ok : Drain();
        complete = true;
        return status;
    }

    public override Status Wait(ulong ticket) => Query(ticket, out _);

    public override Status Synchronize() => Drain();

    private static bool IsWithin(IBuffer buffer, long offset, long bytes) =>
        buffer.HostAddress != 0 && offset >= 0 && bytes >= 0 && offset <= buffer.Bytes - bytes;

    private Status Enqueue(Func<Status> work)
    {
        _queue.Enqueue(work);
        return Status.Ok;
    }

    private Status Drain()
    {
        Status first = Status.Ok;
        while (_queue.TryDequeue(out Func<Status>? work))
        {
            Status status = work();
            first = first.IsOk ? status : first;
        }

        return first;
    }
}

/// <summary>A stream some of whose answers are wrong.</summary>
internal sealed class LyingStream(MutantStream plain) : MutantStream(plain)
{
    private bool _failed;
    private int _synchronized;

    /// <summary>A failed synchronize is never cleared.</summary>
    public bool KeepsFailing { get; init; }

    /// <summary>The same ticket is given for ever.</summary>
    public bool SameTicket { get; init; }

    /// <summary>The synchronize of this number never returns.</summary>
    public int HangsAt { get; init; }

    public override Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        Status status = base.Launch(kernel, bindings, arguments, workspace, workspaceOffset);
        _failed |= !status.IsOk;
        return status;
    }

    public override Status Record(out ulong ticket)
    {
        Status status = base.Record(out ticket);
        if (SameTicket && ticket > 1)
        {
            ticket = 1;
            Fault.Fire();
        }

        return status;
    }

    public override Status Synchronize()
    {
        if (++_synchronized == HangsAt)
        {
            Fault.Fire();
            Thread.Sleep(Timeout.Infinite);
        }

        if (KeepsFailing && _failed)
        {
            Fault.Fire();
            return Status.LaunchFailed("mutants: an earlier launch failed");
        }

        return base.Synchronize();
    }
}
