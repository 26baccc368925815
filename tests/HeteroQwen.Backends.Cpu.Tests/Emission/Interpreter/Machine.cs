using System.Runtime.InteropServices;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>
/// Runs the bytes of an emitted kernel one instruction at a time, and exactly the instructions that kernels use: an unknown one, an
/// access outside the operands (asking for memory ahead is none), a register that belongs to the caller or a return with vectors or
/// tiles left in use is refused.
/// </summary>
internal sealed class Machine
{
    public const int VectorBytes = 64;

    private const ulong CodeAddress = 1UL << 40;
    private const long MostInstructions = 1_000_000;

    private readonly byte[] _vectors = new byte[32 * VectorBytes];
    private readonly Dictionary<ulong, Instruction> _code = [];
    private readonly byte[] _bytes;
    private bool _upperInUse;

    public Machine(byte[] code, OperandMemory memory)
    {
        _bytes = code;
        Memory = memory;
        Tiles = new TileUnit(this);
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code), CodeAddress);
        while (decoder.IP < CodeAddress + (ulong)code.Length)
        {
            Instruction instruction = decoder.Decode();
            _code[instruction.IP] = instruction;
        }
    }

    public OperandMemory Memory { get; }

    public TileUnit Tiles { get; }

    public ulong[] Masks { get; } = new ulong[8];

    public GeneralUnit General { get; } = new();

    /// <summary>Calls the function with one argument and returns rax.</summary>
    /// <exception cref="RefusedException">It did what it must not.</exception>
    public ulong Call(ulong argument)
    {
        General.Write(Register.RDI, argument);
        ulong at = CodeAddress;
        for (long count = 0; count < MostInstructions; count++)
        {
            if (!_code.TryGetValue(at, out Instruction instruction) || instruction.IsInvalid)
            {
                throw new RefusedException($"runs to where there is no instruction, {at - CodeAddress} bytes from the start");
            }

            if (instruction.Mnemonic == Mnemonic.Ret)
            {
                return Return();
            }

            at = General.Jumps(instruction, out bool taken) ? taken ? instruction.NearBranchTarget : instruction.NextIP : Step(instruction);
        }

        throw new RefusedException("does not end");
    }

    public Span<byte> Vector(Register register) => _vectors.AsSpan((register - Register.ZMM0) * VectorBytes, VectorBytes);

    /// <summary>The address of the memory operand, for what is read from the code itself too.</summary>
    public ulong Address(in Instruction i) => i.IsIPRelativeMemoryOperand
        ? i.IPRelativeMemoryAddress
        : unchecked(General.Read(i.MemoryBase)
            + (i.MemoryIndex == Register.None ? 0 : General.Read(i.MemoryIndex) * (ulong)i.MemoryIndexScale) + i.MemoryDisplacement64);

    public void Read(ulong address, Span<byte> to)
    {
        if (address >= CodeAddress && address - CodeAddress < (ulong)_bytes.Length)
        {
            int from = (int)(address - CodeAddress);
            (_bytes.Length - from >= to.Length ? _bytes.AsSpan(from, to.Length) : throw new RefusedException("reads beyond its own end")).CopyTo(to);
            return;
        }

        Memory.Read(address, to);
    }

    public T Read<T>(ulong address)
        where T : unmanaged
    {
        T value = default;
        Read(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    private ulong Step(in Instruction instruction)
    {
        bool known = instruction.Mnemonic switch
        {
            Mnemonic.Vzeroupper => ZeroUpper(),
            Mnemonic.Prefetcht0 or Mnemonic.Prefetcht1 or Mnemonic.Prefetchw => true,
            _ => General.Execute(this, instruction) || MaskUnit.Execute(this, instruction) || Tiles.Execute(instruction) || Vectors(instruction),
        };
        return known ? instruction.NextIP : throw new RefusedException($"holds an instruction that is not known: {instruction}");
    }

    private bool Vectors(in Instruction instruction)
    {
        _upperInUse = true;
        return VectorUnit.Execute(this, instruction);
    }

    private bool ZeroUpper()
    {
        for (int i = 0; i < 16; i++)
        {
            _vectors.AsSpan((i * VectorBytes) + 16, VectorBytes - 16).Clear();
        }

        _upperInUse = false;
        return true;
    }

    private ulong Return()
    {
        if (_upperInUse || Tiles.InUse)
        {
            throw new RefusedException(_upperInUse ? "returns with vectors in use" : "returns with tiles in use");
        }

        return General.Read(Register.RAX);
    }
}
