namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>What emitted code did that it must not do, or the interpreter cannot judge.</summary>
internal sealed class RefusedException(string message) : Exception(message);

/// <summary>The memory that a kernel may touch: the operands that its caller declares, each for reading or for writing too.</summary>
internal sealed unsafe class OperandMemory
{
    private readonly List<(ulong Start, ulong Bytes, bool Writable, string Name)> _regions = [];

    public void Add(string name, void* start, long bytes, bool writable = false) =>
        _regions.Add(((ulong)start, (ulong)bytes, writable, name));

    /// <exception cref="RefusedException">The bytes do not lie inside one operand.</exception>
    public void Read(ulong address, Span<byte> to)
    {
        Check(address, to.Length, false);
        new ReadOnlySpan<byte>((void*)address, to.Length).CopyTo(to);
    }

    /// <exception cref="RefusedException">The bytes do not lie inside one operand that may be written.</exception>
    public void Write(ulong address, ReadOnlySpan<byte> from)
    {
        Check(address, from.Length, true);
        from.CopyTo(new Span<byte>((void*)address, from.Length));
    }

    private void Check(ulong address, int bytes, bool write)
    {
        foreach ((ulong start, ulong length, bool writable, _) in _regions)
        {
            if (address >= start && address - start <= length - (ulong)bytes && (ulong)bytes <= length && (writable || !write))
            {
                return;
            }
        }

        (ulong near, _, _, string name) = _regions.MinBy(r => Math.Abs((long)(address - r.Start)));
        throw new RefusedException($"{(write ? "writes" : "reads")} {bytes} bytes at {name} + {(long)(address - near)}, outside of it");
    }
}
