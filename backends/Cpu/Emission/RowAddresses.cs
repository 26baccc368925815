using HeteroQwen.Backends.Cpu.Panels;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// Where the kernels find the parts of int8 <see cref="ActivationRows"/>: r10 points to the first record, r11 counts the bytes of scales
/// passed, 4 for each group of 32; all else is constant.
/// </summary>
internal sealed class RowAddresses(long length)
{
    private readonly long _rowBytes = ActivationRows.RowBytes(ActivationForm.Int8, length);

    /// <summary>Bytes of the scales of a row.</summary>
    public int ScaleBytes { get; } = checked((int)(ActivationRows.Padded(length) / ActivationRows.Group * sizeof(float)));

    public AssemblerMemoryOperand Quad(int row, int quad) => r10 + (r11 * 8) + Constant(row, 4 * quad);

    public AssemblerMemoryOperand Scale(int row) => r10 + r11 + Constant(row, ActivationRows.ScalesOffset(length));

    public AssemblerMemoryOperand Shift(int row) => r10 + r11 + Constant(row, ActivationRows.ShiftsOffset(length));

    public AssemblerMemoryOperand Sum32(int row) => r10 + r11 + Constant(row, ActivationRows.Sums32Offset(length));

    public AssemblerMemoryOperand Sum16(int row, int half) =>
        r10 + (r11 * 2) + Constant(row, ActivationRows.Sums16Offset(length) + (sizeof(int) * half));

    private int Constant(int row, long offset) => checked((int)((row * _rowBytes) + offset));
}
