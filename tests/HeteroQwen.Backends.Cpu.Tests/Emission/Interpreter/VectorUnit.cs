using System.Runtime.InteropServices;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>AVX-512 instructions on whole 512-bit vectors of 16 lanes of 32 bits.</summary>
internal static class VectorUnit
{
    private const int Lanes = 16;

    public static bool Execute(Machine machine, in Instruction i)
    {
        if (i.Mnemonic is Mnemonic.Vmovups or Mnemonic.Vmovdqu32 or Mnemonic.Vmovdqa32)
        {
            return Move(machine, i);
        }

        // Nothing but stores is masked, and results are whole vectors.
        if (i.HasOpMask || i.RoundingControl != RoundingControl.None || i.Op0Kind != OpKind.Register || !i.Op0Register.IsZMM())
        {
            return false;
        }

        return Arithmetic(machine, i) || Widening(machine, i);
    }

    private static bool Move(Machine machine, in Instruction i)
    {
        if (i.Op0Kind == OpKind.Memory && i.Op1Register.IsZMM() && i.Mnemonic == Mnemonic.Vmovups)
        {
            ulong mask = i.HasOpMask ? machine.Masks[i.OpMask - Register.K0] : ulong.MaxValue;
            ulong to = machine.Address(i);
            for (int lane = 0; lane < Lanes; lane++)
            {
                if ((mask >> lane & 1) != 0)
                {
                    machine.Memory.Write(to + (ulong)(4 * lane), machine.Vector(i.Op1Register).Slice(4 * lane, 4));
                }
            }

            return true;
        }

        if (i.HasOpMask || i.Op0Kind != OpKind.Register || !i.Op0Register.IsZMM() || (i.Mnemonic == Mnemonic.Vmovdqa32 && i.Op1Kind == OpKind.Memory))
        {
            return false;
        }

        Span<uint> source = stackalloc uint[Lanes];
        Source(machine, i, 1, source);
        Store(machine, i, source);
        return true;
    }

    private static bool Arithmetic(Machine machine, in Instruction i)
    {
        Func<uint, uint, uint, uint>? lane = i.Mnemonic switch
        {
            Mnemonic.Vpxord => (_, a, b) => a ^ b,
            Mnemonic.Vpandd => (_, a, b) => a & b,
            Mnemonic.Vpternlogd => Ternary(i.Immediate8),
            Mnemonic.Vpdpbusd => Dot,
            Mnemonic.Vmulps => (_, a, b) => Bits(Float(a) * Float(b)),
            Mnemonic.Vfmadd231ps => (d, a, b) => Bits(MathF.FusedMultiplyAdd(Float(a), Float(b), Float(d))),
            Mnemonic.Vfnmadd231ps => (d, a, b) => Bits(MathF.FusedMultiplyAdd(-Float(a), Float(b), Float(d))),
            Mnemonic.Vdpbf16ps => BrainArithmetic.Dot,
            _ => null,
        };
        if (lane is null)
        {
            return false;
        }

        Span<uint> first = stackalloc uint[Lanes];
        Span<uint> second = stackalloc uint[Lanes];
        Source(machine, i, 1, first);
        Source(machine, i, 2, second);
        Span<uint> to = MemoryMarshal.Cast<byte, uint>(machine.Vector(i.Op0Register));
        for (int n = 0; n < Lanes; n++)
        {
            to[n] = lane(to[n], first[n], second[n]);
        }

        return true;
    }

    private static bool Widening(Machine machine, in Instruction i)
    {
        Span<uint> to = stackalloc uint[Lanes];
        switch (i.Mnemonic)
        {
            case Mnemonic.Vpslld or Mnemonic.Vpsrld when i.Op2Kind == OpKind.Immediate8 && i.Immediate8 < 32:
                Source(machine, i, 1, to);
                foreach (ref uint lane in to)
                {
                    lane = i.Mnemonic == Mnemonic.Vpslld ? lane << i.Immediate8 : lane >> i.Immediate8;
                }

                break;
            case Mnemonic.Vpbroadcastd when i.Op1Kind == OpKind.Memory:
                to.Fill(machine.Read<uint>(machine.Address(i)));
                break;
            case Mnemonic.Vpbroadcastd when i.Op1Register.IsGPR32():
                to.Fill((uint)machine.General.Read(i.Op1Register));
                break;
            case Mnemonic.Vcvtdq2ps:
                Source(machine, i, 1, to);
                foreach (ref uint lane in to)
                {
                    lane = Bits((float)(int)lane);
                }

                break;
            case Mnemonic.Vcvtph2ps or Mnemonic.Vpmovzxbd or Mnemonic.Vpmovsxbd when i.Op1Kind == OpKind.Memory:
                Widen(machine, i, to);
                break;
            default:
                return false;
        }

        Store(machine, i, to);
        return true;
    }

    private static void Widen(Machine machine, in Instruction i, Span<uint> to)
    {
        Span<byte> from = stackalloc byte[i.Mnemonic == Mnemonic.Vcvtph2ps ? Lanes * 2 : Lanes];
        machine.Read(machine.Address(i), from);
        for (int n = 0; n < Lanes; n++)
        {
            to[n] = i.Mnemonic switch
            {
                Mnemonic.Vcvtph2ps => Bits((float)MemoryMarshal.Cast<byte, Half>(from)[n]),
                Mnemonic.Vpmovzxbd => from[n],
                _ => (uint)(sbyte)from[n],
            };
        }
    }

    /// <summary>An operand: a register, 64 bytes of memory, or 4 bytes repeated.</summary>
    private static void Source(Machine machine, in Instruction i, int operand, Span<uint> to)
    {
        if (i.GetOpKind(operand) == OpKind.Register)
        {
            MemoryMarshal.Cast<byte, uint>(machine.Vector(i.GetOpRegister(operand))).CopyTo(to);
        }
        else if (i.IsBroadcast)
        {
            to.Fill(machine.Read<uint>(machine.Address(i)));
        }
        else
        {
            machine.Read(machine.Address(i), MemoryMarshal.AsBytes(to));
        }
    }

    private static void Store(Machine machine, in Instruction i, Span<uint> lanes) =>
        MemoryMarshal.AsBytes(lanes).CopyTo(machine.Vector(i.Op0Register));

    private static Func<uint, uint, uint, uint> Ternary(byte table) => (d, a, b) =>
    {
        uint result = 0;
        for (int bit = 0; bit < 32; bit++)
        {
            uint index = (d >> bit & 1) << 2 | (a >> bit & 1) << 1 | (b >> bit & 1);
            result |= ((uint)table >> (int)index & 1) << bit;
        }

        return result;
    };

    /// <summary>4 products of unsigned by signed bytes, added without saturation.</summary>
    private static uint Dot(uint sum, uint unsigned, uint signed)
    {
        for (int b = 0; b < 32; b += 8)
        {
            sum = unchecked(sum + (uint)((int)(byte)(unsigned >> b) * (sbyte)(signed >> b)));
        }

        return sum;
    }

    private static float Float(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);
}
