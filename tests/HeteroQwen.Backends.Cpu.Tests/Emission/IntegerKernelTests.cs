using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed unsafe class IntegerKernelTests
{
    public static TheoryData<ElementType, int> Shapes() => new(
        from type in (ElementType[])[ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q6_K]
        from length in type is ElementType.Q8_0 or ElementType.Q4_0 ? (int[])[32, 64, 96, 256, 544] : [256, 512, 1280]
        select (type, length));

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Tiled_kernels_give_the_bits_of_the_formula_for_all_rows_and_masks(ElementType type, int length)
    {
        using EmittedIntegerTiles? hardware = Hardware(type, length);
        for (int rows = 1; rows <= TiledIntegerKernel.MostRows; rows++)
        {
            byte[] code = MachineCode.Assemble(a => TiledIntegerKernel.Emit(a, type, length, rows));
            using IntegerCase operands = new(type, length, rows, (length * 10) + rows);
            foreach (ulong mask in (ulong[])[0xFFFF_FFFF, 0xFFFF, 1, 0x1_FFFF, 0x7FFF_FFFF])
            {
                Check(operands, rows, mask, direct: false, code, hardware);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Direct_kernels_give_the_bits_of_the_formula_for_all_rows_and_masks(ElementType type, int length)
    {
        using EmittedIntegerTiles? hardware = Hardware(type, length);
        for (int rows = 1; rows <= DirectIntegerKernel.MostRows; rows++)
        {
            byte[] code = MachineCode.Assemble(a => DirectIntegerKernel.Emit(a, type, length, rows));
            using IntegerCase operands = new(type, length, rows, (length * 20) + rows);
            foreach (ulong mask in (ulong[])[0xFFFF, 1, 0x7FFF])
            {
                Check(operands, rows, mask, direct: true, code, hardware);
            }
        }
    }

    private static EmittedIntegerTiles? Hardware(ElementType type, int length) =>
        CpuTiers.Here.Contains(CpuTier.Avx512Vnni) ? new EmittedIntegerTiles(type, length) : null;

    /// <summary>The interpreter's results, and the hardware's where it is there, are the formula's; what is masked stays as it was.</summary>
    private static void Check(IntegerCase operands, int rows, ulong mask, bool direct, byte[] code, EmittedIntegerTiles? hardware)
    {
        int stride = direct ? 80 : 144;
        using OperandBlock y = new(rows * stride);
        ProductCall call = operands.Call(direct, y, mask);
        y.Span.Fill(Results.Untouched);
        Machine machine = new(code, operands.Memory(direct, rows, y, &call));
        machine.Call((ulong)&call);
        Results.Check(y, stride, rows, mask, operands.Expected);
        if (hardware is not null)
        {
            byte[] interpreted = y.Span.ToArray();
            y.Span.Fill(Results.Untouched);
            if (direct)
            {
                hardware.Direct(rows, &call);
            }
            else
            {
                hardware.Tiled(rows, &call);
            }

            Assert.Equal(interpreted, y.Span.ToArray());
        }
    }
}
