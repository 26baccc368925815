using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Reference;

/// <summary>Host memory; device memory and pinned host memory are the same here.</summary>
internal sealed unsafe class NativeBuffer : IBuffer
{
    public const int Alignment = 64;

    private nint _address;

    private NativeBuffer(nint address, long bytes)
    {
        _address = address;
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>0 once released.</summary>
    public nint HostAddress => _address;

    public static Status Allocate(long bytes, long available, out IBuffer? buffer)
    {
        buffer = null;
        if (bytes <= 0)
        {
            return Status.InvalidArgument($"reference: a buffer of {bytes} bytes was asked for");
        }

        // Beyond physical memory an allocation may succeed and the first touch kill the process.
        if (bytes > available)
        {
            return Status.OutOfMemory($"reference: a buffer of {bytes} bytes was asked for, and {available} bytes are available");
        }

        try
        {
            buffer = new NativeBuffer((nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment), bytes);
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory($"reference: the host refused a buffer of {bytes} bytes");
        }
    }

    /// <summary>The buffer behind the handle if bytes offset .. offset + bytes - 1 lie in it and it is alive, else a refusal.</summary>
    public static Status Range(IBuffer? buffer, long offset, long bytes, string what, out byte* address)
    {
        address = null;
        if (buffer is not NativeBuffer native)
        {
            return Status.InvalidArgument($"{what}: {(buffer is null ? "no buffer was given" : "the buffer is not one of this device")}");
        }

        if (native._address == 0)
        {
            return Status.InvalidArgument($"{what}: the buffer was released");
        }

        if (offset < 0 || bytes < 0 || offset > native.Bytes - bytes)
        {
            return Status.InvalidArgument($"{what}: {bytes} bytes from byte {offset} on lie outside a buffer of {native.Bytes} bytes");
        }

        address = (byte*)native._address + offset;
        return Status.Ok;
    }

    public void Dispose() => NativeMemory.AlignedFree((void*)Interlocked.Exchange(ref _address, 0));
}
