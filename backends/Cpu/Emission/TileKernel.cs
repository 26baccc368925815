using HeteroQwen.Backends.Cpu.Panels;
using Iced.Intel;
using static HeteroQwen.Backends.Cpu.Emission.KernelRegisters;
using static Iced.Intel.AssemblerRegisters;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>
/// Two BF16 panels by up to 32 rows of BF16 activations on the tiles of AMX. Scalar equivalent, per row and column:
/// <code>
/// for each 32 of k, in order: even = odd = 0
///     for each pair of k, in order: even = fma(x[k], w[k], even);  odd = fma(x[k + 1], w[k + 1], odd)
///     acc = acc + (even + odd)
/// </code>
/// with subnormals taken as zero and flushed to zero.
/// Tile: 32 rows x 32 columns in four tiles of sums, tmm0, 1 the first 16 rows and tmm2, 3 the others; tmm4, 5 activations, straight
/// from their records; tmm6, 7 the panels, 1 KB of each at a time. Each tile that is loaded serves two products, so that loads hide
/// behind them. Tiles cannot be stored under a mask: they go through <see cref="ProductCall.Spill"/>. They are configured at entry and
/// released before the end, since whoever runs next on the thread may not know of them.
/// rax, rcx panels; r10 activations, rsi their end, r11 from one record to the next; r8 from row to row of a panel; r9 spill; rdi the call.
/// </summary>
internal static class TileKernel
{
    public const int MostRows = 2 * TileRows;

    /// <summary>Bytes of <see cref="ProductCall.Spill"/>.</summary>
    public const int SpillBytes = MostRows * SpillStride;

    private const int TileRows = 16;
    private const int RowBytes = 64;
    private const int SpillStride = 2 * RowBytes;

    public static void Emit(Assembler a, long length, int rows)
    {
        int stride = checked((int)ActivationRows.RowBytes(ActivationForm.BF16, length));
        int second = checked(TileRows * stride);
        bool both = rows > TileRows;
        Label configuration = a.CreateLabel();
        EmitEntry(a, length, stride, both, configuration);
        Label loop = a.CreateLabel();
        a.Label(ref loop);
        a.tileloadd(tmm4, __[r10 + r11]);
        a.tileloadd(tmm6, __[rax + r8]);
        a.tdpbf16ps(tmm0, tmm4, tmm6);
        if (both)
        {
            a.tileloadd(tmm5, __[r10 + r11 + second]);
            a.tdpbf16ps(tmm2, tmm5, tmm6);
        }

        a.tileloadd(tmm7, __[rcx + r8]);
        a.tdpbf16ps(tmm1, tmm4, tmm7);
        if (both)
        {
            a.tdpbf16ps(tmm3, tmm5, tmm7);
        }

        a.add(rax, TileRows * RowBytes);
        a.add(rcx, TileRows * RowBytes);
        a.add(r10, RowBytes);
        a.cmp(r10, rsi);
        a.jb(loop);
        EmitStores(a, rows, both);
        a.Label(ref configuration);
        a.db(Configuration(rows));
    }

    private static void EmitEntry(Assembler a, long length, int stride, bool both, Label configuration)
    {
        a.ldtilecfg(__[configuration]);
        Load(a, rax, nameof(ProductCall.Codes0));
        Load(a, rcx, nameof(ProductCall.Codes1));
        Load(a, r10, nameof(ProductCall.X));
        Load(a, r9, nameof(ProductCall.Spill));
        a.mov(rsi, r10);
        a.add(rsi, checked((int)(ActivationRows.Padded(length) * sizeof(ushort))));
        a.mov(r11d, stride);
        a.mov(r8d, RowBytes);
        a.tilezero(tmm0);
        a.tilezero(tmm1);
        if (both)
        {
            a.tilezero(tmm2);
            a.tilezero(tmm3);
        }
    }

    private static void EmitStores(Assembler a, int rows, bool both)
    {
        a.mov(r8d, SpillStride);
        a.tilestored(__[r9 + r8], tmm0);
        a.tilestored(__[r9 + r8 + RowBytes], tmm1);
        if (both)
        {
            a.tilestored(__[r9 + r8 + (TileRows * SpillStride)], tmm2);
            a.tilestored(__[r9 + r8 + ((TileRows * SpillStride) + RowBytes)], tmm3);
        }

        a.tilerelease();
        LoadStores(a);
        for (int row = 0; row < rows; row++)
        {
            a.vmovups(zmm0, __zmmword_ptr[r9 + (row * SpillStride)]);
            a.vmovups(zmm1, __zmmword_ptr[r9 + ((row * SpillStride) + RowBytes)]);
            StoreRow(a, 0, 2, last: row == rows - 1);
        }

        End(a);
    }

    /// <summary>Palette 1; then bytes of a row, 16 bits each, and rows of the tiles.</summary>
    internal static byte[] Configuration(int rows)
    {
        const int Palette = 1;
        const int WidthsAt = 16;
        const int RowsAt = 48;
        byte[] bytes = new byte[64];
        bytes[0] = Palette;
        int first = Math.Min(rows, TileRows);
        int second = rows - first;
        int[] tiles = [first, first, second, second, first, second, TileRows, TileRows];
        for (int t = 0; t < tiles.Length; t++)
        {
            bytes[WidthsAt + (2 * t)] = (byte)(tiles[t] > 0 ? RowBytes : 0);
            bytes[RowsAt + t] = (byte)tiles[t];
        }

        return bytes;
    }
}
