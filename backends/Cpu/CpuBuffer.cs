using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu;

/// <summary>Host memory that starts at a multiple of <see cref="Alignment"/>.</summary>
internal sealed unsafe class CpuBuffer : IBuffer
{
    public const int Alignment = 64;

    private void* _address;

    /// <exception cref="OutOfMemoryException">The system refuses.</exception>
    public CpuBuffer(long bytes)
    {
        _address = NativeMemory.AlignedAlloc(checked((nuint)bytes), Alignment);
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>0 once the buffer is released.</summary>
    public nint HostAddress => (nint)_address;

    public byte* Data => (byte*)_address;

    /// <summary>True if the range lies in the buffer and the buffer is not released.</summary>
    public bool Holds(long offset, long bytes) =>
        _address != null && offset >= 0 && bytes >= 0 && offset <= Bytes && bytes <= Bytes - offset;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_address);
        _address = null;
    }
}
