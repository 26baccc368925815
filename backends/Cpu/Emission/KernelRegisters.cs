using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Panels;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>What the emitted product kernels have in common: vector registers by number, the fields of their call, stores, the end.</summary>
internal static class KernelRegisters
{
    private static readonly AssemblerRegisterZMM[] s_vectors =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    public static AssemblerRegisterZMM Vector(int index) => s_vectors[index];

    /// <summary>Sets vectors to zero.</summary>
    public static void Clear(Assembler a, int count)
    {
        for (int i = 0; i < count; i++)
        {
            a.vpxord(Vector(i), Vector(i), Vector(i));
        }
    }

    /// <summary>Loads a field of the call, which rdi points to.</summary>
    public static void Load(Assembler a, AssemblerRegister64 register, string field) => a.mov(register, __qword_ptr[rdi + Field(field)]);

    /// <summary>
    /// Asks for the lines that <see cref="Store"/> will write for two panels: stores retire in order, and each would wait for its line.
    /// rdi points to the call; rax and rdx are lost.
    /// </summary>
    public static void AskForResults(Assembler a, int rows)
    {
        Load(a, rax, nameof(ProductCall.Y));
        Load(a, rdx, nameof(ProductCall.YStride));
        for (int row = 0; row < rows; row++)
        {
            a.prefetchw(__byte_ptr[rax]);
            a.prefetchw(__byte_ptr[rax + 64]);
            a.add(rax, rdx);
        }
    }

    /// <summary>
    /// Stores vectors 0 .. rows * panels - 1, a row's panels side by side, as far as the call's mask has their columns, and returns.
    /// rdi points to the call; rax, rdx, k1 and k2 are lost.
    /// </summary>
    public static void Store(Assembler a, int rows, int panels)
    {
        LoadStores(a);
        for (int row = 0; row < rows; row++)
        {
            StoreRow(a, row * panels, panels, last: row == rows - 1);
        }

        End(a);
    }

    /// <summary>Makes ready for <see cref="StoreRow"/>: rax points to the results, rdx is their stride, k1 and k2 are the panels' masks.</summary>
    public static void LoadStores(Assembler a)
    {
        Load(a, rax, nameof(ProductCall.Y));
        Load(a, rdx, nameof(ProductCall.YStride));
        a.kmovq(k1, __qword_ptr[rdi + Field(nameof(ProductCall.Mask))]);
        a.kshiftrq(k2, k1, PanelLayout.Columns);
    }

    /// <summary>Stores one or two vectors as the next row.</summary>
    public static void StoreRow(Assembler a, int vector, int panels, bool last)
    {
        a.vmovups(__zmmword_ptr[rax].k1, Vector(vector));
        if (panels > 1)
        {
            a.vmovups(__zmmword_ptr[rax + 64].k2, Vector(vector + 1));
        }

        if (!last)
        {
            a.add(rax, rdx);
        }
    }

    /// <summary>Returns, with the upper halves of the vectors clean, so that code with SSE is not slowed.</summary>
    public static void End(Assembler a)
    {
        a.vzeroupper();
        a.ret();
    }

    private static int Field(string name) => (int)Marshal.OffsetOf<ProductCall>(name);
}
