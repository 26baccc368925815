using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Creates and counts memory objects. Drivers allocate late: a buffer beyond what the device has may be made, and its first use fail
/// or, where device memory is the host's, end the process; so what cannot be is refused here.
/// </summary>
internal sealed unsafe class DeviceMemory(CL cl, nint context, DeviceFacts facts, string label)
{
    private long _used;

    public Status Create(long bytes, MemFlags flags, out nint memory)
    {
        memory = 0;
        if (bytes <= 0)
        {
            return Status.InvalidArgument($"{label}: a buffer of {bytes} bytes was asked for");
        }

        if (bytes - facts.Alignment > facts.LargestBuffer)
        {
            return Status.OutOfMemory($"{label}: a buffer of {bytes} bytes was asked for, the device's largest has {facts.LargestBuffer}");
        }

        if (bytes > facts.MemoryBytes - _used)
        {
            return Status.OutOfMemory(
                $"{label}: no memory for {bytes} bytes; the device has {facts.MemoryBytes}, of which {_used} are taken; ask for a smaller context");
        }

        int error;
        memory = cl.CreateBuffer(context, flags, (nuint)bytes, null, &error);
        if (error != ClErrors.Success || memory == 0)
        {
            memory = 0;
            return ClErrors.Of(error == ClErrors.Success ? ClErrors.AllocationFailure : error, $"{label}: a buffer of {bytes} bytes");
        }

        _used += bytes;
        return Status.Ok;
    }

    public void Release(nint memory, long bytes)
    {
        cl.ReleaseMemObject(memory);
        _used -= bytes;
    }
}
