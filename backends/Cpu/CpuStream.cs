using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu;

/// <summary>Runs everything at once: when a call returns, its work is done, and its status is the outcome.</summary>
internal sealed unsafe class CpuStream : IStream
{
    /// <summary>Zeros of so many bytes are written as pages that come when they are touched: a KV pool takes memory as it fills.</summary>
    private const long LargeFill = 1 << 20;

    private ulong _tickets;

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        if (destination is not CpuBuffer to || source is not CpuBuffer from)
        {
            return Status.InvalidArgument("cpu: copy: a buffer is not of this backend");
        }

        if (!to.Holds(destinationOffset, bytes) || !from.Holds(sourceOffset, bytes))
        {
            return Status.InvalidArgument(
                $"cpu: copy: {bytes} bytes from {sourceOffset} of {from.Bytes} to {destinationOffset} of {to.Bytes} leave a buffer");
        }

        Buffer.MemoryCopy(from.Data + sourceOffset, to.Data + destinationOffset, bytes, bytes);
        return Status.Ok;
    }

    public Status Fill(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        if (buffer is not CpuBuffer to || !to.Holds(offset, bytes) || offset % sizeof(uint) != 0 || bytes % sizeof(uint) != 0)
        {
            return Status.InvalidArgument($"cpu: fill: {bytes} bytes from {offset} are no whole words of the buffer");
        }

        byte* first = to.Data + offset;
        byte* end = first + bytes;
        if (pattern == 0 && bytes >= LargeFill && HostPages.TryZero(first, bytes, out byte* zero, out byte* rest))
        {
            Fill(first, zero, 0);
            first = rest;
        }

        Fill(first, end, pattern);
        return Status.Ok;
    }

    private static void Fill(byte* first, byte* end, uint pattern)
    {
        for (; first < end; first += Math.Min(end - first, 1 << 30))
        {
            new Span<uint>(first, (int)Math.Min(end - first, 1 << 30) / sizeof(uint)).Fill(pattern);
        }
    }

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        if (kernel is not CpuKernel own)
        {
            return Status.InvalidArgument("cpu: launch: the kernel is not of this backend");
        }

        try
        {
            return own.Launch(bindings, arguments, workspace as CpuBuffer, workspaceOffset);
        }
        catch (OverflowException)
        {
            return Status.InvalidArgument($"cpu: {own.Op}: the sizes of a launch with {bindings} overflow");
        }
        catch (Exception e)
        {
            // Whatever went wrong inside, the line carries statuses only.
            Exception cause = e is WorkerException { InnerException: { } inner } ? inner : e;
            return Status.LaunchFailed($"cpu: {own.Op}: {cause.GetType().Name}: {cause.Message}");
        }
    }

    public Status Record(out ulong ticket)
    {
        ticket = ++_tickets;
        return Status.Ok;
    }

    public Status Query(ulong ticket, out bool complete)
    {
        complete = true;
        return Status.Ok;
    }

    public Status Wait(ulong ticket) => Status.Ok;

    public Status Synchronize() => Status.Ok;

    public void Dispose()
    {
    }
}
