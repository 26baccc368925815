using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;
using Iced.Intel;
using static HeteroQwen.Backends.Cpu.Emission.KernelRegisters;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// Two panels of unpacked codes by up to 6 rows of int8 activations. Scalar equivalent, per row and column:
/// <code>
/// for each group of 32:
///     dot = sums32 &lt;&lt; log2(offset);  dot += x[k] * code[k] for its k          Q6_K: twice, for 16 each, from sums16
///     acc = fma((f32) dot, step * scale_x, acc)
///     acc = fma(-min, shift_x, acc)                                         Q4_K
/// </code>
/// Tile: 32 columns x 6 rows. Vectors 0..11 acc, 12..23 dot (row by row, the two panels side by side), 24, 25 codes, later steps and
/// mins, 26..31 activations and products of scales in turn. A quad of activations is broadcast once and serves both panels: with 2
/// loads of codes and 6 broadcasts for 12 products, loads are no limit where one vector is loaded for each product. What is: products,
/// and the multiplications of the scaling, share the same units, so that of each group's 96 + 24 (Q4_K 36, Q6_K 48) instructions for
/// these the 96 count. The rest is to have all memory near in time: lines of the results and of the next tile's activations are asked
/// for ahead.
/// rax, rcx codes; rdx, rsi steps; r8, r9 mins; r10 activations; r11 bytes of scales passed; rdi bytes of steps passed (64 a group);
/// k3 the call, while rdi counts.
/// </summary>
internal static class TiledIntegerKernel
{
    public const int MostRows = 6;

    private const int Panels = 2;
    private const int Dots = 12;
    private const int Weights = 24;
    private const int FirstSpare = 26;
    private const int Spares = 6;
    private const int Quads = ActivationRows.Group / 4;

    public static void Emit(Assembler a, ElementType type, long length, int rows)
    {
        RowAddresses x = new(length);
        int dots = type == ElementType.Q6_K ? 2 : 1;
        EmitEntry(a, type, rows);
        Label loop = a.CreateLabel();
        a.Label(ref loop);
        for (int dot = 0; dot < dots; dot++)
        {
            EmitStart(a, x, type, rows, dot);
            for (int quad = Quads / dots * dot; quad < Quads / dots * (dot + 1); quad++)
            {
                EmitQuad(a, x, rows, quad);
            }

            EmitScaling(a, x, rows, dots, dot);
        }

        if (type == ElementType.Q4_K)
        {
            EmitMins(a, x, rows);
        }

        a.add(r11, sizeof(float));
        a.add(rdi, 64);
        a.cmp(r11, x.ScaleBytes);
        a.jb(loop);
        a.kmovq(rdi, k3);
        Store(a, rows, Panels);
    }

    private static void EmitEntry(Assembler a, ElementType type, int rows)
    {
        AskForResults(a, rows);
        Load(a, rax, nameof(ProductCall.Codes0));
        Load(a, rcx, nameof(ProductCall.Codes1));
        Load(a, rdx, nameof(ProductCall.Steps0));
        Load(a, rsi, nameof(ProductCall.Steps1));
        if (type == ElementType.Q4_K)
        {
            Load(a, r8, nameof(ProductCall.Mins0));
            Load(a, r9, nameof(ProductCall.Mins1));
        }

        Load(a, r10, nameof(ProductCall.X));
        a.kmovq(k3, rdi);
        a.xor(r11d, r11d);
        a.xor(edi, edi);
        Clear(a, rows * Panels);
    }

    private static void EmitStart(Assembler a, RowAddresses x, ElementType type, int rows, int dot)
    {
        int offset = PanelLayout.Offset(type);
        for (int row = 0; row < rows; row++)
        {
            AssemblerRegisterZMM first = Vector(Dots + (row * Panels));
            AssemblerRegisterZMM second = Vector(Dots + (row * Panels) + 1);
            if (offset == 0)
            {
                a.vpxord(first, first, first);
                a.vpxord(second, second, second);
            }
            else
            {
                AssemblerMemoryOperand sum = type == ElementType.Q6_K ? x.Sum16(row, dot) : x.Sum32(row);
                a.vpslld(first, __dword_bcst[sum], (byte)int.Log2(offset));
                a.vmovdqa32(second, first);
            }
        }
    }

    private static void EmitQuad(Assembler a, RowAddresses x, int rows, int quad)
    {
        a.vmovdqu32(Vector(Weights), __zmmword_ptr[rax + (rdi * 8) + (64 * quad)]);
        a.vmovdqu32(Vector(Weights + 1), __zmmword_ptr[rcx + (rdi * 8) + (64 * quad)]);
        for (int row = 0; row < rows; row++)
        {
            AssemblerRegisterZMM activations = Vector(FirstSpare + (row % Spares));
            a.vpbroadcastd(activations, __dword_ptr[x.Quad(row, quad)]);
            if (row == quad)
            {
                a.prefetcht0(__byte_ptr[x.Quad(rows + row, 0)]);
            }

            a.vpdpbusd(Vector(Dots + (row * Panels)), Vector(Weights), activations);
            a.vpdpbusd(Vector(Dots + (row * Panels) + 1), Vector(Weights + 1), activations);
        }
    }

    private static void EmitScaling(Assembler a, RowAddresses x, int rows, int dots, int dot)
    {
        a.vmovups(Vector(Weights), __zmmword_ptr[rdx + (rdi * dots) + (64 * dot)]);
        a.vmovups(Vector(Weights + 1), __zmmword_ptr[rsi + (rdi * dots) + (64 * dot)]);
        for (int row = 0; row < rows; row++)
        {
            for (int panel = 0; panel < Panels; panel++)
            {
                int index = (row * Panels) + panel;
                AssemblerRegisterZMM scale = Vector(FirstSpare + (index % Spares));
                a.vmulps(scale, Vector(Weights + panel), __dword_bcst[x.Scale(row)]);
                a.vcvtdq2ps(Vector(Dots + index), Vector(Dots + index));
                a.vfmadd231ps(Vector(index), Vector(Dots + index), scale);
            }
        }
    }

    private static void EmitMins(Assembler a, RowAddresses x, int rows)
    {
        a.vmovups(Vector(Weights), __zmmword_ptr[r8 + rdi]);
        a.vmovups(Vector(Weights + 1), __zmmword_ptr[r9 + rdi]);
        for (int row = 0; row < rows; row++)
        {
            a.vfnmadd231ps(Vector(row * Panels), Vector(Weights), __dword_bcst[x.Shift(row)]);
            a.vfnmadd231ps(Vector((row * Panels) + 1), Vector(Weights + 1), __dword_bcst[x.Shift(row)]);
        }
    }
}
