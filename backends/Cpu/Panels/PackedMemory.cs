using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Memory of packed weights. A large one lies on huge pages where the system has them: it is filled with a few page faults instead of
/// hundreds of thousands, and read with fewer misses of the address cache.
/// </summary>
internal sealed unsafe class PackedMemory : IDisposable
{
    /// <exception cref="OutOfMemoryException">Memory is refused.</exception>
    /// <exception cref="OverflowException">The size cannot be counted.</exception>
    public PackedMemory(long bytes)
    {
        int alignment = bytes < HostPages.Huge ? CpuBuffer.Alignment : HostPages.Huge;
        Data = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes), (nuint)alignment);
        HostPages.AskHuge(Data, bytes);
    }

    public byte* Data { get; private set; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
    }
}
