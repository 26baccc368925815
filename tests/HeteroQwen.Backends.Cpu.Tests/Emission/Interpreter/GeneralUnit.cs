using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>The general registers, the flags carry and zero, and jumps.</summary>
internal sealed class GeneralUnit
{
    private readonly ulong[] _registers = new ulong[16];
    private bool _carry;
    private bool _zero;

    public ulong Read(Register register)
    {
        int size = register.GetSize();
        ulong value = _registers[register.GetFullRegister() - Register.RAX];
        return size == 8 ? value : size == 4 ? (uint)value : throw new RefusedException($"uses {register}");
    }

    /// <summary>A write to a half clears the other.</summary>
    public void Write(Register register, ulong value)
    {
        Register full = register.GetFullRegister();
        if (full is Register.RBX or Register.RBP or Register.RSP or Register.R12 or Register.R13 or Register.R14 or Register.R15)
        {
            throw new RefusedException($"changes {full}, which is the caller's");
        }

        _registers[full - Register.RAX] = register.GetSize() switch
        {
            8 => value,
            4 => (uint)value,
            _ => throw new RefusedException($"uses {register}"),
        };
    }

    public bool Jumps(in Instruction i, out bool taken)
    {
        taken = i.Mnemonic switch
        {
            Mnemonic.Jb => _carry,
            Mnemonic.Jne => !_zero,
            _ => false,
        };
        return i.Mnemonic is Mnemonic.Jb or Mnemonic.Jne;
    }

    public bool Execute(Machine machine, in Instruction i)
    {
        if (i.Mnemonic is not (Mnemonic.Mov or Mnemonic.Add or Mnemonic.Xor or Mnemonic.Cmp or Mnemonic.Test) || i.Op0Kind != OpKind.Register)
        {
            return false;
        }

        ulong second = i.Op1Kind switch
        {
            OpKind.Register => Read(i.Op1Register),
            OpKind.Memory when i.Mnemonic == Mnemonic.Mov && i.MemorySize == MemorySize.UInt64 => machine.Read<ulong>(machine.Address(i)),
            OpKind.Memory => throw new RefusedException($"holds an instruction that is not known: {i}"),
            _ => i.GetImmediate(1),
        };
        Apply(i, second);
        return true;
    }

    private void Apply(in Instruction i, ulong second)
    {
        if (i.Mnemonic == Mnemonic.Mov)
        {
            Write(i.Op0Register, second);
            return;
        }

        ulong mask = i.Op0Register.GetSize() == 4 ? uint.MaxValue : ulong.MaxValue;
        ulong first = Read(i.Op0Register);
        second &= mask;
        ulong result = mask & i.Mnemonic switch
        {
            Mnemonic.Add => unchecked(first + second),
            Mnemonic.Cmp => unchecked(first - second),
            Mnemonic.Xor => first ^ second,
            _ => first & second,
        };
        _zero = result == 0;
        _carry = i.Mnemonic switch
        {
            Mnemonic.Add => result < first,
            Mnemonic.Cmp => first < second,
            _ => false,
        };
        if (i.Mnemonic is Mnemonic.Add or Mnemonic.Xor)
        {
            Write(i.Op0Register, result);
        }
    }
}
