using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>The mask registers k0 .. k7, in whole.</summary>
internal static class MaskUnit
{
    public static bool Execute(Machine machine, in Instruction i)
    {
        switch (i.Mnemonic)
        {
            case Mnemonic.Kmovq when i.Op0Kind == OpKind.Register:
                ulong value = i.Op1Kind == OpKind.Memory ? machine.Read<ulong>(machine.Address(i))
                    : i.Op1Register.IsK() ? machine.Masks[i.Op1Register - Register.K0] : machine.General.Read(i.Op1Register);
                if (i.Op0Register.IsK())
                {
                    machine.Masks[i.Op0Register - Register.K0] = value;
                }
                else
                {
                    machine.General.Write(i.Op0Register, value);
                }

                return true;
            case Mnemonic.Kshiftrq:
                machine.Masks[i.Op0Register - Register.K0] = i.Immediate8 > 63 ? 0 : machine.Masks[i.Op1Register - Register.K0] >> i.Immediate8;
                return true;
            default:
                return false;
        }
    }
}
