using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>What the interpreter must refuse, it refuses; else it could prove nothing.</summary>
public sealed unsafe class MachineTests
{
    private const int Bytes = 256;

    public static TheoryData<string, Action<Assembler>> Refused() => new()
    {
        { "not known: vpdpbusds", a => a.vpdpbusds(zmm0, zmm1, zmm2) },
        { "not known: vaddps", a => a.vaddps(zmm0, zmm1, zmm2) },
        { "not known: vmulps", a => a.vmulps(ymm0, ymm1, ymm2) },
        { "not known: vmulps", a => a.vmulps(zmm0.k1, zmm1, zmm2) },
        { "not known: vmulps", a => a.vmulps(zmm0, zmm1, zmm2.rz_sae) },
        { "not known: mov", a => a.mov(__qword_ptr[rdi], rax) },
        { "not known: push", a => a.push(rax) },
        { "changes RBX", a => a.mov(ebx, 1) },
        { "changes RSP", a => a.add(rsp, 8) },
        { "reads 64 bytes at operand + 193", a => a.vmovups(zmm0, __zmmword_ptr[rdi + 193]) },
        { "reads 64 bytes at operand + -1", a => a.vmovups(zmm0, __zmmword_ptr[rdi - 1]) },
        { "reads 4 bytes at operand + 256", a => a.vpbroadcastd(zmm0, __dword_ptr[rdi + 256]) },
        { "reads 4 bytes at operand + 253", a => a.vpdpbusd(zmm0, zmm1, __dword_bcst[rdi + 253]) },
        { "reads 8 bytes at operand + 256", a => a.mov(rax, __qword_ptr[rdi + 256]) },
        { "writes 4 bytes at operand + 0", a => a.vmovups(__zmmword_ptr[rdi], zmm0) },
        { "returns with vectors in use", a => a.vpxord(zmm0, zmm0, zmm0) },
        { "returns with tiles in use", a => Configure(a, () => { }) },
        { "uses TMM0 unconfigured", a => a.tilezero(tmm0) },
        { "rows cross cache lines", a => Configure(a, () => a.tileloadd(tmm0, __[rdi + rax + 32])) },
        { "reads 64 bytes at operand + 256", a => Configure(a, () => a.tileloadd(tmm0, __[rdi + rax])) },
        { "tiles that are the same or do not fit", a => Configure(a, () => a.tdpbf16ps(tmm0, tmm1, tmm3)) },
        { "is no instruction", a => Configure(a, () => a.tdpbf16ps(tmm0, tmm1, tmm1)) },
        { "is no instruction", a => a.db(0x06) },
        { "not known: ud2", a => a.ud2() },
        { "does not end", Endless },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Call_refuses_what_a_kernel_must_not_do(string expected, Action<Assembler> emit)
    {
        byte[] code = MachineCode.Assemble(a =>
        {
            emit(a);
            a.ret();
        });
        using OperandBlock operand = new(Bytes);
        OperandMemory memory = new();
        memory.Add("operand", operand.Data, Bytes);
        RefusedException e = Assert.Throws<RefusedException>(() => new Machine(code, memory).Call((ulong)operand.Data));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dot_of_bf16_tells_subnormals_after_rounding()
    {
        uint smallest = Bits(1, -126);
        Assert.Equal(smallest, BrainArithmetic.Fma(Bits(-1, -75), Bits(1, -76), smallest));
        Assert.Equal(0u, BrainArithmetic.Fma(Bits(-1, -75), Bits(1, -75), smallest));
        Assert.Equal(0u, BrainArithmetic.Fma(Bits(1, -127), Bits(1, 100), 0));
        Assert.Equal(0x8000_0000, BrainArithmetic.Fma(Bits(-1, -64), Bits(1, -63), 0x8000_0000));
        Assert.Equal(0xFFC0_0000, BrainArithmetic.Fma(0x7F80_0000, 0, 0));
    }

    private static uint Bits(float sign, int exponent) => BitConverter.SingleToUInt32Bits(MathF.ScaleB(sign, exponent));

    /// <summary>Tiles 0 .. 2 of 16 rows of 64 bytes, tile 3 of 8; rows of memory lie 64 bytes apart.</summary>
    private static void Configure(Assembler a, Action use)
    {
        byte[] configuration = new byte[64];
        configuration[0] = 1;
        for (int t = 0; t < 4; t++)
        {
            configuration[16 + (2 * t)] = 64;
            configuration[48 + t] = (byte)(t < 3 ? 16 : 8);
        }

        Label label = a.CreateLabel();
        a.ldtilecfg(__[label]);
        a.mov(eax, 64);
        use();
        a.ret();
        a.Label(ref label);
        a.db(configuration);
    }

    private static void Endless(Assembler a)
    {
        Label label = a.CreateLabel();
        a.Label(ref label);
        a.xor(eax, eax);
        a.cmp(eax, 1);
        a.jb(label);
    }
}
