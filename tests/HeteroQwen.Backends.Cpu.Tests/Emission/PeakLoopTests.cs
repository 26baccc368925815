using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Roofs;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

public sealed class PeakLoopTests
{
    [Fact]
    public void Loops_end_after_their_rounds_and_touch_no_memory()
    {
        foreach (Action<Assembler> emit in (Action<Assembler>[])[PeakLoop.EmitBytes, PeakLoop.EmitBrain, PeakLoop.EmitTiles])
        {
            Machine machine = new(MachineCode.Assemble(emit), new OperandMemory());
            machine.Call(3);
            Assert.Equal(0ul, machine.General.Read(Register.RDI));
        }
    }
}
