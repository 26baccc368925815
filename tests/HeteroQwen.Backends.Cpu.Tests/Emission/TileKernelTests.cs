using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed unsafe class TileKernelTests
{
    private const int Stride = 144;

    [Theory]
    [InlineData(1, false)]
    [InlineData(32, true)]
    [InlineData(96, false)]
    [InlineData(250, true)]
    public void Kernels_give_the_bits_of_blocks_added_in_order_for_all_rows_and_masks(int length, bool extreme)
    {
        using KernelSet? hardware = CpuTiers.Here.Contains(CpuTier.Amx)
            ? new KernelSet((a, rows) => TileKernel.Emit(a, length, rows), TileKernel.MostRows)
            : null;
        for (int rows = 1; rows <= TileKernel.MostRows; rows++)
        {
            byte[] code = MachineCode.Assemble(a => TileKernel.Emit(a, length, rows));
            using BrainCase operands = new(length, rows, (length * 100) + rows, extreme);
            uint[] expected = [.. from row in Enumerable.Range(0, rows) from n in Enumerable.Range(0, BrainCase.Columns) select operands.ExpectedTiles(row, n)];
            foreach (ulong mask in rows % 15 == 1 ? (ulong[])[0xFFFF_FFFF, 0xFFFF, 1, 0x1_FFFF, 0x7FFF_FFFF] : [0x00FF_FFFF])
            {
                Check(operands, rows, mask, code, hardware, expected);
            }
        }
    }

    private static void Check(BrainCase operands, int rows, ulong mask, byte[] code, KernelSet? hardware, uint[] expected)
    {
        using OperandBlock y = new(rows * Stride);
        using OperandBlock spill = new(TileKernel.SpillBytes);
        ProductCall call = operands.Call(y, Stride, mask);
        call.Spill = spill.Data;
        y.Span.Fill(Results.Untouched);
        OperandMemory memory = operands.Memory(rows, y, &call);
        memory.Add("spill", spill.Data, spill.Bytes, true);
        new Machine(code, memory).Call((ulong)&call);
        Results.Check(y, Stride, rows, mask, expected);
        if (hardware is not null)
        {
            byte[] interpreted = y.Span.ToArray();
            y.Span.Fill(Results.Untouched);
            TileThread.Prepare();
            hardware.Run(rows, &call);
            Assert.Equal(interpreted, y.Span.ToArray());
        }
    }
}
