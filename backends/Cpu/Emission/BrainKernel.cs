using HeteroQwen.Backends.Cpu.Panels;
using Iced.Intel;
using static HeteroQwen.Backends.Cpu.Emission.KernelRegisters;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// Two packed BF16 panels by up to 12 rows of BF16 activations. Scalar equivalent, per row and column:
/// <code>
/// for each pair of k, in order: acc = fma(x[k + 1], w[k + 1], acc);  acc = fma(x[k], w[k], acc)
/// </code>
/// with subnormals taken as zero and flushed to zero. One sum for each result, whatever the number of rows, so that all kernels give the
/// same bits; the two panels keep two sums going where there is one row.
/// Tile: 32 columns x 12 rows. Vectors 0..23 acc (row by row, the two panels side by side), 24, 25 weights, 26..31 activations in turn.
/// rax, rcx panels; r10 activations; r8 their end; rdi the call.
/// </summary>
internal static class BrainKernel
{
    public const int MostRows = 12;

    private const int Panels = 2;
    private const int Weights = 24;
    private const int FirstSpare = 26;
    private const int Spares = 6;

    /// <summary>Pairs of k in a round: a divisor of those in <see cref="ActivationRows.Group"/>.</summary>
    private const int Pairs = 4;

    /// <summary>Bytes of a pair in the activations, and in a panel.</summary>
    private const int PairBytes = 4;
    private const int PairsOfColumns = PairBytes * PanelLayout.Columns;

    public static void Emit(Assembler a, long length, int rows)
    {
        long rowBytes = ActivationRows.RowBytes(ActivationForm.BF16, length);
        Load(a, rax, nameof(ProductCall.Codes0));
        Load(a, rcx, nameof(ProductCall.Codes1));
        Load(a, r10, nameof(ProductCall.X));
        a.mov(r8, r10);
        a.add(r8, checked((int)(ActivationRows.Padded(length) * sizeof(ushort))));
        Clear(a, rows * Panels);
        Label loop = a.CreateLabel();
        a.Label(ref loop);
        for (int pair = 0; pair < Pairs; pair++)
        {
            a.vmovdqu32(Vector(Weights), __zmmword_ptr[rax + (PairsOfColumns * pair)]);
            a.vmovdqu32(Vector(Weights + 1), __zmmword_ptr[rcx + (PairsOfColumns * pair)]);
            for (int row = 0; row < rows; row++)
            {
                AssemblerRegisterZMM activations = Vector(FirstSpare + (row % Spares));
                a.vpbroadcastd(activations, __dword_ptr[r10 + checked((int)((row * rowBytes) + (PairBytes * pair)))]);
                a.vdpbf16ps(Vector(row * Panels), Vector(Weights), activations);
                a.vdpbf16ps(Vector((row * Panels) + 1), Vector(Weights + 1), activations);
            }
        }

        a.add(rax, PairsOfColumns * Pairs);
        a.add(rcx, PairsOfColumns * Pairs);
        a.add(r10, PairBytes * Pairs);
        a.cmp(r10, r8);
        a.jb(loop);
        Store(a, rows, Panels);
    }
}
