using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tiers;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed unsafe class ExecutableMemoryTests
{
    [Fact]
    public void Functions_of_one_region_run_where_the_system_allows_it_and_are_refused_with_the_reason_elsewhere()
    {
        byte[][] functions = [.. Enumerable.Range(0, 200).Select(i => MachineCode.Assemble(a => Return(a, i)))];
        using ExecutableMemory? memory = OperatingSystem.IsLinux() ? ExecutableMemory.Create(functions, out string? refusal) : null;
        if (memory is null || CpuFeatures.Here.NoEmission is not null)
        {
            Assert.NotNull(CpuFeatures.Here.NoEmission);
            return;
        }

        for (int i = 0; i < functions.Length; i++)
        {
            Assert.Equal(i, ((delegate* unmanaged<int>)memory.Function(i))());
            Assert.Equal(0, (nint)memory.Function(i) % 64);
        }

        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            nint[] range = [.. line[..line.IndexOf(' ', StringComparison.Ordinal)].Split('-').Select(Address)];
            if ((nint)memory.Function(0) >= range[0] && (nint)memory.Function(0) < range[1])
            {
                Assert.Contains(" r-xp ", line, StringComparison.Ordinal);
                memory.Dispose();
                memory.Dispose();
                Assert.Throws<ObjectDisposedException>(() => (nint)memory.Function(0));
                return;
            }
        }

        Assert.Fail("the region is not among the process's");
    }

    private static nint Address(string hex) => nint.Parse(hex, System.Globalization.NumberStyles.HexNumber);

    private static void Return(Assembler a, int value)
    {
        a.mov(AssemblerRegisters.eax, value);
        a.ret();
    }
}
