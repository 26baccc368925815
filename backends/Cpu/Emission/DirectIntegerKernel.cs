using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;
using Iced.Intel;
using static HeteroQwen.Backends.Cpu.Emission.KernelRegisters;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// One packed panel by up to 4 rows of int8 activations: the panel is read where it lies, once, and unpacked in registers. Scalar
/// equivalent: that of <see cref="TiledIntegerKernel"/> with the codes, steps and mins of the panel itself.
/// Tile: 16 columns x 4 rows. Vectors 0..3 acc, 4..7 dot, 8..15 the 8 quads of codes of a group, 16, 17 upper bits, 18..21 products of
/// scales, 22 step, 23 min, 24, 25 d and dmin of a block of 256, 26 0x0F and 27 0x3F in every byte.
/// rax panel; rcx bytes of d passed in blocks of 256; r10, r11 as <see cref="RowAddresses"/> says; rdi 64 for each group passed; k3 the
/// call, while rdi counts.
/// </summary>
internal static class DirectIntegerKernel
{
    public const int MostRows = 4;

    private const int Dots = 4;
    private const int Codes = 8;
    private const int Upper = 16;
    private const int Products = 18;
    private const int Step = 22;
    private const int Min = 23;
    private const int BlockStep = 24;
    private const int BlockMin = 25;
    private const int LowMask = 26;
    private const int CodeMask = 27;
    private const int Quads = ActivationRows.Group / 4;

    /// <summary>Bytes that are asked for ahead at the most: a small part of the second cache.</summary>
    private const long MostAhead = 32 << 10;

    /// <summary>r11 passed by a block of 256.</summary>
    private const int BlockScaleBytes = 256 / ActivationRows.Group * sizeof(float);

    public static void Emit(Assembler a, ElementType type, long length, int rows)
    {
        RowAddresses x = new(length);
        int[] parts = [.. Enumerable.Range(0, PanelLayout.Parts(type, length).Length)
            .Select(part => checked((int)PanelLayout.PartOffset(type, length, part)))];
        bool blocks = type is ElementType.Q4_K or ElementType.Q6_K;
        EmitEntry(a, type, rows);
        Label block = a.CreateLabel();
        Label group = a.CreateLabel();
        if (blocks)
        {
            a.Label(ref block);
            EmitBlock(a, type, parts);
        }

        a.Label(ref group);
        EmitPrefetch(a, type, parts, (int)Math.Min(PanelLayout.PanelBytes(type, length), MostAhead));
        EmitCodes(a, type, parts);
        int dots = type == ElementType.Q6_K ? 2 : 1;
        for (int dot = 0; dot < dots; dot++)
        {
            EmitDots(a, x, type, rows, dots, dot);
            EmitScaling(a, x, type, rows, parts, dot);
        }

        a.add(r11, sizeof(float));
        a.add(rdi, 64);
        if (blocks)
        {
            a.test(r11d, BlockScaleBytes - 1);
            a.jne(group);
        }

        a.cmp(r11, x.ScaleBytes);
        a.jb(blocks ? block : group);
        a.kmovq(rdi, k3);
        Store(a, rows, 1);
    }

    private static void EmitEntry(Assembler a, ElementType type, int rows)
    {
        if (type != ElementType.Q8_0)
        {
            a.mov(eax, 0x0F0F0F0F);
            a.vpbroadcastd(Vector(LowMask), eax);
        }

        if (type == ElementType.Q6_K)
        {
            a.mov(eax, 0x3F3F3F3F);
            a.vpbroadcastd(Vector(CodeMask), eax);
        }

        Load(a, rax, nameof(ProductCall.Codes0));
        Load(a, r10, nameof(ProductCall.X));
        a.kmovq(k3, rdi);
        a.xor(ecx, ecx);
        a.xor(r11d, r11d);
        a.xor(edi, edi);
        Clear(a, rows);
    }

    private static void EmitBlock(Assembler a, ElementType type, int[] parts)
    {
        a.vcvtph2ps(Vector(BlockStep), __ymmword_ptr[rax + rcx + parts[type == ElementType.Q4_K ? 1 : 2]]);
        if (type == ElementType.Q4_K)
        {
            a.vcvtph2ps(Vector(BlockMin), __ymmword_ptr[rax + rcx + parts[2]]);
        }

        a.add(rcx, PanelLayout.Columns * 2);
    }

    /// <summary>
    /// Asks for the same group of the next panel. While codes are on their way, all that waits for them fills the queues of the vector
    /// units long before enough of the memory is asked for, the more so the more instructions a byte takes. To the second cache, since
    /// misses of the first are few at a time.
    /// </summary>
    private static void EmitPrefetch(Assembler a, ElementType type, int[] parts, int ahead)
    {
        int lines = type == ElementType.Q8_0 ? Quads : Quads / 2;
        for (int line = 0; line < lines; line++)
        {
            a.prefetcht1(__byte_ptr[rax + (rdi * lines) + ((64 * line) + ahead)]);
        }

        switch (type)
        {
            case ElementType.Q4_K:
                a.prefetcht1(__byte_ptr[rax + (r11 * 4) + (parts[3] + ahead)]);
                a.prefetcht1(__byte_ptr[rax + (r11 * 4) + (parts[4] + ahead)]);
                break;
            case ElementType.Q6_K:
                a.prefetcht1(__byte_ptr[rax + (rdi * 2) + (parts[1] + ahead)]);
                a.prefetcht1(__byte_ptr[rax + (rdi * 2) + (parts[1] + 64 + ahead)]);
                a.prefetcht1(__byte_ptr[rax + (r11 * 8) + (parts[3] + ahead)]);
                break;
            default:
                a.prefetcht1(__byte_ptr[rax + (r11 * 8) + (parts[1] + ahead)]);
                break;
        }
    }

    /// <summary>The 8 quads of a group, one code to a byte.</summary>
    private static void EmitCodes(Assembler a, ElementType type, int[] parts)
    {
        if (type == ElementType.Q8_0)
        {
            for (int quad = 0; quad < Quads; quad++)
            {
                a.vmovdqu32(Vector(Codes + quad), __zmmword_ptr[rax + (rdi * 8) + (64 * quad)]);
            }

            return;
        }

        for (int quad = 0; quad < Quads / 2; quad++)
        {
            a.vmovdqu32(Vector(Codes + quad), __zmmword_ptr[rax + (rdi * 4) + (64 * quad)]);
            a.vpsrld(Vector(Codes + quad + (Quads / 2)), Vector(Codes + quad), 4);
        }

        if (type == ElementType.Q6_K)
        {
            EmitUpperBits(a, parts[1]);
            return;
        }

        for (int quad = 0; quad < Quads; quad++)
        {
            a.vpandd(Vector(Codes + quad), Vector(Codes + quad), Vector(LowMask));
        }
    }

    /// <summary>Each code gets bits 4 and 5 from the vector of upper bits whose turn it is; what lies above is cut off.</summary>
    private static void EmitUpperBits(Assembler a, int high)
    {
        // Truth table: where the middle operand is set the last, else the destination.
        const byte Select = 0xB8;
        a.vmovdqu32(Vector(Upper), __zmmword_ptr[rax + (rdi * 2) + high]);
        a.vmovdqu32(Vector(Upper + 1), __zmmword_ptr[rax + (rdi * 2) + high + 64]);
        for (int quad = 0; quad < Quads; quad++)
        {
            AssemblerRegisterZMM upper = Vector(Upper + (quad % 2));
            AssemblerRegisterZMM moved = Vector(Products + (quad % 4));
            int shift = 4 - (quad / 2 * 2);
            if (shift > 0)
            {
                a.vpslld(moved, upper, (byte)shift);
            }
            else if (shift < 0)
            {
                a.vpsrld(moved, upper, (byte)-shift);
            }
            else
            {
                a.vmovdqa32(moved, upper);
            }

            a.vpternlogd(moved, Vector(LowMask), Vector(Codes + quad), Select);
            a.vpandd(Vector(Codes + quad), moved, Vector(CodeMask));
        }
    }

    private static void EmitDots(Assembler a, RowAddresses x, ElementType type, int rows, int dots, int dot)
    {
        int offset = PanelLayout.Offset(type);
        for (int row = 0; row < rows; row++)
        {
            if (offset == 0)
            {
                a.vpxord(Vector(Dots + row), Vector(Dots + row), Vector(Dots + row));
            }
            else
            {
                AssemblerMemoryOperand sum = dots == 2 ? x.Sum16(row, dot) : x.Sum32(row);
                a.vpslld(Vector(Dots + row), __dword_bcst[sum], (byte)int.Log2(offset));
            }
        }

        for (int quad = Quads / dots * dot; quad < Quads / dots * (dot + 1); quad++)
        {
            for (int row = 0; row < rows; row++)
            {
                a.vpdpbusd(Vector(Dots + row), Vector(Codes + quad), __dword_bcst[x.Quad(row, quad)]);
            }
        }
    }

    private static void EmitScaling(Assembler a, RowAddresses x, ElementType type, int rows, int[] parts, int dot)
    {
        EmitStep(a, type, parts, dot);
        for (int row = 0; row < rows; row++)
        {
            a.vmulps(Vector(Products + row), Vector(Step), __dword_bcst[x.Scale(row)]);
            a.vcvtdq2ps(Vector(Dots + row), Vector(Dots + row));
            a.vfmadd231ps(Vector(row), Vector(Dots + row), Vector(Products + row));
            if (type == ElementType.Q4_K)
            {
                a.vfnmadd231ps(Vector(row), Vector(Min), __dword_bcst[x.Shift(row)]);
            }
        }
    }

    private static void EmitStep(Assembler a, ElementType type, int[] parts, int dot)
    {
        switch (type)
        {
            case ElementType.Q4_K:
                a.vpmovzxbd(Vector(Step), __xmmword_ptr[rax + (r11 * 4) + parts[3]]);
                a.vpmovzxbd(Vector(Min), __xmmword_ptr[rax + (r11 * 4) + parts[4]]);
                a.vcvtdq2ps(Vector(Step), Vector(Step));
                a.vcvtdq2ps(Vector(Min), Vector(Min));
                a.vmulps(Vector(Step), Vector(BlockStep), Vector(Step));
                a.vmulps(Vector(Min), Vector(BlockMin), Vector(Min));
                break;
            case ElementType.Q6_K:
                a.vpmovsxbd(Vector(Step), __xmmword_ptr[rax + (r11 * 8) + parts[3] + (PanelLayout.Columns * dot)]);
                a.vcvtdq2ps(Vector(Step), Vector(Step));
                a.vmulps(Vector(Step), Vector(BlockStep), Vector(Step));
                break;
            default:
                a.vcvtph2ps(Vector(Step), __ymmword_ptr[rax + (r11 * 8) + parts[1]]);
                break;
        }
    }
}
