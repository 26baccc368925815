using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Device memory, or host memory that the driver allocated and that stays mapped, so that transfers need no staging. Pinned memory is
/// used through its address alone: transfers read and write there, and no kernel gets it.
/// </summary>
internal sealed unsafe class OpenClBuffer : IBuffer
{
    private readonly OpenClDevice _device;
    private readonly nint _mapped;
    private readonly long _allocated;
    private nint _memory;

    private OpenClBuffer(OpenClDevice device, nint memory, nint mapped, long bytes, long allocated)
    {
        (_device, _memory, _mapped, Bytes, _allocated) = (device, memory, mapped, bytes, allocated);
        long alignment = device.Facts.Alignment;
        HostAddress = mapped == 0 ? 0 : (nint)((mapped + alignment - 1) / alignment * alignment);
    }

    public long Bytes { get; }

    public nint HostAddress { get; private set; }

    /// <summary>The memory object; 0 once it is released.</summary>
    public nint Memory => _memory;

    public bool IsPinned => _mapped != 0;

    public OpenClDevice Device => _device;

    public static Status Create(OpenClDevice device, MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        buffer = null;

        // The map of pinned memory need not begin where buffers of the device do.
        bool pinned = kind == MemoryKind.PinnedHost;
        long wanted = pinned ? bytes + device.Facts.Alignment : bytes;
        Status status = device.Memory.Create(wanted, pinned ? MemFlags.ReadWrite | MemFlags.AllocHostPtr : MemFlags.ReadWrite, out nint memory);
        if (!status.IsOk)
        {
            return status;
        }

        nint mapped = 0;
        if (pinned)
        {
            int error;
            mapped = (nint)device.Cl.EnqueueMapBuffer(
                device.TransferQueue, memory, true, MapFlags.Read | MapFlags.Write, 0, (nuint)wanted, 0, null, null, &error);
            if (error != ClErrors.Success || mapped == 0)
            {
                device.Memory.Release(memory, wanted);
                return ClErrors.Of(error == ClErrors.Success ? ClErrors.OutOfHostMemory : error, $"{device.Label}: mapping {bytes} bytes of host memory");
            }
        }

        buffer = new OpenClBuffer(device, memory, mapped, bytes, wanted);
        return Status.Ok;
    }

    /// <summary>True if the range lies in the buffer and the buffer is not released.</summary>
    public bool Holds(long offset, long bytes) =>
        _memory != 0 && offset >= 0 && bytes >= 0 && offset <= Bytes && bytes <= Bytes - offset;

    public void Dispose()
    {
        if (_memory == 0)
        {
            return;
        }

        if (_mapped != 0)
        {
            _device.Cl.EnqueueUnmapMemObject(_device.TransferQueue, _memory, (void*)_mapped, 0, null, (nint*)null);
            _device.Cl.Finish(_device.TransferQueue);
        }

        _device.Memory.Release(_memory, _allocated);
        _memory = 0;
        HostAddress = 0;
    }
}
