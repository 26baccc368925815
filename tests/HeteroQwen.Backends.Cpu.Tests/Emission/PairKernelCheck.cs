using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>Kernels of two BF16 panels for all numbers of rows: interpreted, against a formula, and on the processor where it has them.</summary>
/// <param name="Emit">Emits the kernel for so many rows.</param>
/// <param name="MostRows">The largest number of rows.</param>
/// <param name="Expected">Bits of a result by row and column.</param>
/// <param name="SpillBytes">Memory that the kernel writes to; 0 for none.</param>
internal sealed unsafe record PairKernelCheck(
    Action<Assembler, int> Emit, int MostRows, Func<BrainCase, int, int, uint> Expected, int SpillBytes)
{
    private const int Stride = 144;

    /// <param name="length">K.</param>
    /// <param name="extreme">Whether elements are subnormal, tiny and huge too.</param>
    /// <param name="allMasksEvery">For one of so many numbers of rows all masks are tried, for the others one.</param>
    /// <param name="here">Whether this processor has the instructions.</param>
    public void Run(int length, bool extreme, int allMasksEvery, bool here)
    {
        using KernelSet? hardware = here ? new KernelSet(Emit, MostRows) : null;
        for (int rows = 1; rows <= MostRows; rows++)
        {
            int count = rows;
            byte[] code = MachineCode.Assemble(a => Emit(a, count));
            using BrainCase operands = new(length, rows, (length * 100) + rows, extreme);
            uint[] expected = [.. from row in Enumerable.Range(0, rows) from n in Enumerable.Range(0, BrainCase.Columns) select Expected(operands, row, n)];
            foreach (ulong mask in rows % allMasksEvery == 1 ? (ulong[])[0xFFFF_FFFF, 0xFFFF, 1, 0x1_FFFF, 0x7FFF_FFFF] : [0x00FF_FFFF])
            {
                Check(operands, rows, mask, code, hardware, expected);
            }
        }
    }

    private void Check(BrainCase operands, int rows, ulong mask, byte[] code, KernelSet? hardware, uint[] expected)
    {
        using OperandBlock y = new(rows * Stride);
        using OperandBlock? spill = SpillBytes > 0 ? new OperandBlock(SpillBytes) : null;
        ProductCall call = operands.Call(y, Stride, mask);
        OperandMemory memory = operands.Memory(rows, y, &call);
        if (spill is not null)
        {
            call.Spill = spill.Data;
            memory.Add("spill", spill.Data, spill.Bytes, true);
        }

        y.Span.Fill(Results.Untouched);
        new Machine(code, memory).Call((ulong)&call);
        Results.Check(y, Stride, rows, mask, expected);
        if (hardware is not null)
        {
            byte[] interpreted = y.Span.ToArray();
            y.Span.Fill(Results.Untouched);
            hardware.Run(rows, &call);
            Assert.Equal(interpreted, y.Span.ToArray());
        }
    }
}
