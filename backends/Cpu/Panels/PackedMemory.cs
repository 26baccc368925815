using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Memory of packed weights. A large one lies on huge pages where the system has them: it is filled with a few page faults instead of
/// hundreds of thousands, and read with fewer misses of the address cache.
/// </summary>
internal sealed unsafe class PackedMemory : IDisposable
{
    private int _shares = 1;

    /// <exception cref="OutOfMemoryException">Memory is refused.</exception>
    /// <exception cref="OverflowException">The size cannot be counted.</exception>
    public PackedMemory(long bytes)
    {
        int alignment = bytes < HostPages.Huge ? CpuBuffer.Alignment : HostPages.Huge;
        Data = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes), (nuint)alignment);
        HostPages.AskHuge(Data, bytes);
    }

    /// <summary>Null once it is freed.</summary>
    public byte* Data { get; private set; }

    /// <summary>One more that disposes of it.</summary>
    public PackedMemory Share()
    {
        _shares++;
        return this;
    }

    /// <summary>One share less; with the last it is freed.</summary>
    public void Dispose()
    {
        if (--_shares == 0)
        {
            NativeMemory.AlignedFree(Data);
            Data = null;
        }
    }
}
