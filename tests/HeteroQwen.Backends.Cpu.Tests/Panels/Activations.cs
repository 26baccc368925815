using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>Filled rows of activations in memory of their own.</summary>
internal sealed unsafe class Activations : IDisposable
{
    private readonly void* _memory;

    public Activations(ActivationForm form, long length, int rows, float[] x)
    {
        _memory = NativeMemory.AlignedAlloc((nuint)(rows * ActivationRows.RowBytes(form, length)), 64);
        Rows = new ActivationRows(form, length, rows, (byte*)_memory);
        fixed (float* from = x)
        {
            for (int row = 0; row < rows; row++)
            {
                ActivationFilling.Fill(Rows, row, from + (row * length));
            }
        }
    }

    public ActivationRows Rows { get; }

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
