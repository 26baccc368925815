using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Emission;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Memory of packed weights. On Linux a large one lies on huge pages where the system has them: it is filled with a few page faults
/// instead of hundreds of thousands, and read with fewer misses of the address cache.
/// </summary>
internal sealed unsafe class PackedMemory : IDisposable
{
    private const nuint HugePage = 2 << 20;

    private readonly byte* _mapped;
    private readonly nuint _mappedBytes;

    /// <exception cref="OutOfMemoryException">Memory is refused.</exception>
    /// <exception cref="OverflowException">The size cannot be counted.</exception>
    public PackedMemory(long bytes)
    {
        if (!OperatingSystem.IsLinux() || bytes < (long)HugePage)
        {
            Data = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes), CpuBuffer.Alignment);
            return;
        }

        _mappedBytes = checked((nuint)bytes + HugePage);
        _mapped = (byte*)LibC.Map(null, _mappedBytes, LibC.ProtectRead | LibC.ProtectWrite, LibC.MapPrivate | LibC.MapAnonymous, -1, 0);
        if (_mapped == LibC.MapFailed)
        {
            throw new InsufficientMemoryException($"no memory for {bytes} bytes of packed weights");
        }

        Data = (byte*)(((nuint)_mapped + HugePage - 1) / HugePage * HugePage);

        // Whole huge pages only, so that none is taken for what is not used. A refusal costs speed, nothing else.
        _ = LibC.Advise(Data, (nuint)bytes / HugePage * HugePage, LibC.AdviseHugePages);
    }

    public byte* Data { get; private set; }

    public void Dispose()
    {
        if (_mapped != null && Data != null)
        {
            _ = LibC.Unmap(_mapped, _mappedBytes);
        }
        else
        {
            NativeMemory.AlignedFree(Data);
        }

        Data = null;
    }
}
