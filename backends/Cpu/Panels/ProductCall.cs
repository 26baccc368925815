using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// What a product kernel for one or two panels and a few rows is called with. Kernels are made for one K, one weight type and one
/// number of rows, so that all strides inside records and panels are theirs; what changes from call to call is here. The order of the
/// fields is known to emitted machine code.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ProductCall
{
    /// <summary>Packed panel, or its unpacked codes u8[Kp/4][16][4]; the second of two panels beside it.</summary>
    public byte* Codes0;
    public byte* Codes1;

    /// <summary>Unpacked: f32 [Kp/g][16], the value of one code.</summary>
    public float* Steps0;
    public float* Steps1;

    /// <summary>Unpacked Q4_K: f32 [Kp/32][16], what is taken off each element.</summary>
    public float* Mins0;
    public float* Mins1;

    /// <summary>Record of the first row of activations; the next ones follow.</summary>
    public byte* X;

    /// <summary>First result: y[row, column].</summary>
    public float* Y;

    /// <summary>Bytes from one row of results to the next.</summary>
    public long YStride;

    /// <summary>Bit i: column i of the two panels exists and is stored.</summary>
    public ulong Mask;

    /// <summary>Products on the tiles of AMX: memory of <see cref="Emission.TileKernel.SpillBytes"/> that the kernel writes to.</summary>
    public byte* Spill;

    /// <summary>Goes on to the rows after so many.</summary>
    public void Next(int rows, long recordBytes)
    {
        X += rows * recordBytes;
        Y = (float*)((byte*)Y + (rows * YStride));
    }

    /// <summary>How many of the rows that are left a kernel takes next: passes are of nearly equal size, since small ones are slow.</summary>
    public static int NextRows(int left, int most)
    {
        int passes = ((left - 1) / most) + 1;
        return ((left - 1) / passes) + 1;
    }

    /// <summary>The mask of one or two panels of a matrix of so many columns.</summary>
    public static ulong MaskOf(long columns, long panel, int panels)
    {
        long there = Math.Min(columns - (panel * PanelLayout.Columns), panels * PanelLayout.Columns);
        return (1UL << (int)there) - 1;
    }
}
