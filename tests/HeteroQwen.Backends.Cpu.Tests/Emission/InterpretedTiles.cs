using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>The kernels for AMX, run by the interpreter with the operands that their caller binds.</summary>
internal sealed unsafe class InterpretedTiles(long length) : PairKernels
{
    public override int MostRows => TileKernel.MostRows;

    public override void Run(int rows, ProductCall* call)
    {
        OperandMemory memory = new();
        memory.Add("call", call, sizeof(ProductCall));
        memory.Add("x", call->X, rows * ActivationRows.RowBytes(ActivationForm.BF16, length));
        memory.Add("first panel", call->Codes0, PanelLayout.PanelBytes(ElementType.BF16, length));
        memory.Add("second panel", call->Codes1, PanelLayout.PanelBytes(ElementType.BF16, length));
        int columns = 64 - (int)ulong.LeadingZeroCount(call->Mask);
        memory.Add("y", call->Y, ((rows - 1) * call->YStride) + (columns * sizeof(float)), true);
        memory.Add("spill", call->Spill, TileKernel.SpillBytes, true);
        new Machine(MachineCode.Assemble(a => TileKernel.Emit(a, length, rows)), memory).Call((ulong)call);
    }
}
