using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>Functions as bytes that run at any address.</summary>
internal static class MachineCode
{
    private const int Bits = 64;

    public static byte[] Assemble(Action<Assembler> emit)
    {
        // dpbusd with registers below 16 has a VEX form (AVX-VNNI) that the processor may lack: everything is EVEX where it can be.
        Assembler assembler = new(Bits) { PreferVex = false };
        emit(assembler);
        using MemoryStream stream = new();
        assembler.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }

    /// <summary><c>ulong f()</c>: the register that says which register states the system saves (XCR0).</summary>
    public static void SavedStates(Assembler a)
    {
        a.xor(AssemblerRegisters.ecx, AssemblerRegisters.ecx);
        a.xgetbv();
        a.shl(AssemblerRegisters.rdx, 32);
        a.or(AssemblerRegisters.rax, AssemblerRegisters.rdx);
        a.ret();
    }
}
