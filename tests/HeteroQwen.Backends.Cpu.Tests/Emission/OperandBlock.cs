using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>Zeroed memory of one operand, on a cache line.</summary>
internal sealed unsafe class OperandBlock : IDisposable
{
    private const int Alignment = 64;

    public OperandBlock(long bytes)
    {
        Bytes = bytes;
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, bytes), Alignment);
        Span.Clear();
    }

    public byte* Data { get; }

    public long Bytes { get; }

    public Span<byte> Span => new(Data, checked((int)Bytes));

    public void Dispose() => NativeMemory.AlignedFree(Data);
}
