using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// Machine code that can be called. The pages are written first and made executable after: they are never both, so that systems
/// which enforce this allow it.
/// </summary>
internal sealed unsafe class ExecutableMemory : IDisposable
{
    /// <summary>Functions start at multiples of a cache line.</summary>
    private const int Alignment = 64;

    private readonly nuint _bytes;
    private readonly int[] _offsets;
    private byte* _start;

    private ExecutableMemory(byte* start, nuint bytes, int[] offsets)
    {
        _start = start;
        _bytes = bytes;
        _offsets = offsets;
    }

    /// <summary>Maps the functions, or says why the system refuses.</summary>
    public static ExecutableMemory? Create(IReadOnlyList<byte[]> functions, out string? refusal)
    {
        int[] offsets = new int[functions.Count];
        int bytes = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = bytes;
            bytes = checked(bytes + functions[i].Length + Alignment - 1) / Alignment * Alignment;
        }

        nuint length = (nuint)checked(bytes + Environment.SystemPageSize - 1) / (nuint)Environment.SystemPageSize
            * (nuint)Environment.SystemPageSize;
        const int Writable = LibC.ProtectRead | LibC.ProtectWrite;
        byte* start = (byte*)LibC.Map(null, length, Writable, LibC.MapPrivate | LibC.MapAnonymous, -1, 0);
        if (start == LibC.MapFailed)
        {
            refusal = $"no memory for machine code ({Marshal.GetLastPInvokeErrorMessage()})";
            return null;
        }

        for (int i = 0; i < offsets.Length; i++)
        {
            functions[i].CopyTo(new Span<byte>(start + offsets[i], functions[i].Length));
        }

        if (LibC.Protect(start, length, LibC.ProtectRead | LibC.ProtectExecute) != 0)
        {
            refusal = $"executable memory is refused ({Marshal.GetLastPInvokeErrorMessage()})";
            _ = LibC.Unmap(start, length);
            return null;
        }

        refusal = null;
        return new ExecutableMemory(start, length, offsets);
    }

    /// <summary>Address of a function.</summary>
    public void* Function(int index)
    {
        ObjectDisposedException.ThrowIf(_start == null, this);
        return _start + _offsets[index];
    }

    public void Dispose()
    {
        if (_start != null)
        {
            _ = LibC.Unmap(_start, _bytes);
            _start = null;
        }
    }
}
