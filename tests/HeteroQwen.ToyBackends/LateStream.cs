using System.Diagnostics;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>A queue that another thread empties, in order, once its head has lain for a while or somebody waits for it.</summary>
internal sealed class LateStream : LateHandle, IStream
{
    private readonly object _gate = new();
    private readonly Queue<(Func<Status> Run, long Since)> _queue = new();
    private readonly List<HostBytes> _watched = [];
    private readonly Thread _thread;
    private long _enqueued;
    private long _done;
    private long _awaited;
    private bool _closed;
    private Status _failure;

    public LateStream(LateDevice device)
        : base(device, "a stream")
    {
        _thread = new(Work) { IsBackground = true, Name = "late stream" };
        _thread.Start();
    }

    /// <summary>Work up to this number is known to the caller to be complete.</summary>
    public long Observed { get; private set; }

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        using LateDevice.Call call = Device.Enter("copy");
        if (destination is not LateBuffer to || source is not LateBuffer from || to.Device != Device || from.Device != Device)
        {
            return Fail("copy: not between buffers of this device");
        }

        bool overlaps = to == from && Math.Abs(destinationOffset - sourceOffset) < bytes;
        bool held = bytes > 0 && to.Holds(destinationOffset, bytes) && from.Holds(sourceOffset, bytes);
        if (to.IsReleased || from.IsReleased || overlaps || !held)
        {
            return Fail($"copy: {bytes} bytes from {sourceOffset} of {from.Name} to {destinationOffset} of {to.Name}");
        }

        // Host memory is to keep its bytes until they are copied, and to be read only after it has been written: spoilt meanwhile.
        byte[]? snapshot = from.IsPinned && !from.IsBeingWritten ? from.Span(sourceOffset, bytes).ToArray() : null;
        if (to.IsPinned && !to.IsPending)
        {
            to.Span(destinationOffset, bytes).Fill(0xFF);
        }

        return Enqueue([from], [to], () =>
        {
            Span<byte> data = from.Span(sourceOffset, bytes);
            data.CopyTo(to.Span(destinationOffset, bytes));
            return snapshot is null || data.SequenceEqual(snapshot) ? Status.Ok
                : Device.Backend.Violate($"copy: {bytes} bytes of pinned memory changed before they were copied");
        });
    }

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        using LateDevice.Call call = Device.Enter("launch");
        if (kernel is not LateKernel { IsReleased: false } late || late.Device != Device)
        {
            return Fail("launch: not a kernel of this device");
        }

        LateLaunch launch = new(late, bindings, arguments, workspace, workspaceOffset);
        if (launch.Breach() is { } breach)
        {
            return Fail($"{late.Op} with {bindings}: {breach}");
        }

        Device.Backend.Launches.AddOrUpdate(bindings, 1, (_, count) => count + 1);
        HostBytes[] hostBytes = launch.HostBytes();
        return Enqueue([late], launch.Buffers, () =>
        {
            _watched.AddRange(hostBytes);
            Status status = CheckHostBytes();
            if (Device.Backend.FailNext == late.Op.Name)
            {
                Device.Backend.FailNext = null;
                return Status.LaunchFailed($"{late.Op} with {launch.Bindings}: the device faulted");
            }

            return status.IsOk ? launch.Execute() : status;
        });
    }

    public Status Record(out ulong ticket)
    {
        using LateDevice.Call call = Device.Enter("record");
        Status status = Enqueue([], [], () =>
        {
            Status unchanged = CheckHostBytes();
            _watched.Clear();
            return unchanged;
        });
        ticket = (ulong)_enqueued;
        return status;
    }

    public Status Query(ulong ticket, out bool complete)
    {
        using LateDevice.Call call = Device.Enter("query");
        lock (_gate)
        {
            Await((long)ticket);
            complete = _done >= (long)ticket;
            Observed = Math.Max(Observed, Math.Min(_done, (long)ticket));
            return _failure;
        }
    }

    public Status Wait(ulong ticket)
    {
        using LateDevice.Call call = Device.Enter("wait");
        return WaitFor((long)ticket);
    }

    public Status Synchronize()
    {
        using LateDevice.Call call = Device.Enter("synchronize");
        lock (_gate)
        {
            Status status = WaitFor(_enqueued);
            _failure = Status.Ok;
            return status;
        }
    }

    public void Dispose()
    {
        UseBy(this, _enqueued, writes: false);
        if (Release())
        {
            lock (_gate)
            {
                _closed = true;
                Monitor.PulseAll(_gate);
            }

            _thread.Join();
        }
    }

    private Status CheckHostBytes() =>
        _watched.Find(w => !w.IsUnchanged) is { } changed
            ? Device.Backend.Violate($"{changed.Owner}: the host's bytes of an input changed before the step's event")
            : Status.Ok;

    /// <summary>A breach fails the work, not the call: it comes to light where the caller waits.</summary>
    private Status Fail(string what)
    {
        Status status = Device.Backend.Violate(what);
        return Enqueue([], [], () => status);
    }

    private Status Enqueue(IEnumerable<LateHandle> reads, IEnumerable<LateHandle> writes, Func<Status> run)
    {
        lock (_gate)
        {
            _enqueued++;
            foreach (LateHandle handle in reads)
            {
                handle.UseBy(this, _enqueued, writes: false);
            }

            foreach (LateHandle handle in writes)
            {
                handle.UseBy(this, _enqueued, writes: true);
            }

            _queue.Enqueue((run, Stopwatch.GetTimestamp()));
            Monitor.PulseAll(_gate);
            return Status.Ok;
        }
    }

    private Status WaitFor(long work)
    {
        lock (_gate)
        {
            Await(work);
            while (_done < work)
            {
                Monitor.Wait(_gate);
            }

            Observed = Math.Max(Observed, work);
            return _failure;
        }
    }

    private void Await(long work)
    {
        _awaited = Math.Max(_awaited, work);
        Monitor.PulseAll(_gate);
    }

    private void Work()
    {
        while (Next() is { } run)
        {
            // After a failure nothing runs any more until it has been reported.
            Status status = _failure.IsOk ? Run(run) : _failure;
            lock (_gate)
            {
                _failure = status;
                _done++;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>An inner device that throws must not take the process along.</summary>
    private static Status Run(Func<Status> run)
    {
        try
        {
            return run();
        }
        catch (Exception e)
        {
            return Status.LaunchFailed(e.ToString());
        }
    }

    private Func<Status>? Next()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_queue.TryPeek(out (Func<Status> Run, long Since) head))
                {
                    TimeSpan left = Device.Options.Delay - Stopwatch.GetElapsedTime(head.Since);
                    if (left <= TimeSpan.Zero || _awaited > _done)
                    {
                        return _queue.Dequeue().Run;
                    }

                    Monitor.Wait(_gate, left);
                }
                else if (_closed)
                {
                    return null;
                }
                else
                {
                    Monitor.Wait(_gate);
                }
            }
        }
    }
}
