namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Gives packed matrices their memory. Those of up to a few MiB lie side by side in stretches: by itself each would be no whole number
/// of huge pages, and what is left over, of a small model about half, would lie on ordinary ones.
/// </summary>
internal sealed unsafe class PackedPages
{
    /// <summary>Memory is taken by this much; what is not filled is never touched, and so takes address space alone.</summary>
    private const long Stretch = 32L << 20;

    /// <summary>Of a larger matrix what is left over matters little.</summary>
    private const long MostShared = 8L << 20;

    private PackedMemory? _open;
    private long _used;

    /// <summary>Memory, aligned for every kernel.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="memory">What it is part of, to be given to <see cref="Give"/>.</param>
    /// <exception cref="OutOfMemoryException">Memory is refused.</exception>
    /// <exception cref="OverflowException">The size cannot be counted.</exception>
    public byte* Take(long bytes, out PackedMemory memory)
    {
        if (bytes > MostShared)
        {
            memory = new PackedMemory(bytes);
            return memory.Data;
        }

        long at = (_used + CpuBuffer.Alignment - 1) / CpuBuffer.Alignment * CpuBuffer.Alignment;
        if (_open is null || at > Stretch - bytes)
        {
            (_open, at) = (new PackedMemory(Stretch), 0);
            memory = _open;
        }
        else
        {
            memory = _open.Share();
        }

        _used = at + bytes;
        return memory.Data + at;
    }

    /// <summary>Takes memory back. A stretch is freed with the last matrix that lies in it.</summary>
    public void Give(PackedMemory memory)
    {
        memory.Dispose();
        if (memory == _open && memory.Data == null)
        {
            _open = null;
        }
    }
}
