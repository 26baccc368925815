using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Integer products in what .NET compiles, for the widest vectors of a tier.</summary>
internal static class PortableTiles
{
    public static IntegerTiles Create(ElementType type, long length, CpuTier tier) => tier switch
    {
        CpuTier.AvxVnni => new PortableTiles<CodeVnni, Simd256>(type, length),
        CpuTier.Avx2 => new PortableTiles<Code256, Simd256>(type, length),
        CpuTier.V128 => new PortableTiles<Code128, Simd128>(type, length),
        CpuTier.Scalar => new PortableTiles<CodeScalar, SimdScalar>(type, length),
        _ => new PortableTiles<Code512, Simd512>(type, length),
    };
}

/// <summary>
/// Passes over the vectors of columns of one panel or two, where a panel has several by twos, and over the rows by fours; what is left
/// of them one by one.
/// </summary>
internal sealed unsafe class PortableTiles<T, F>(ElementType type, long length) : IntegerTiles
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
{
    private const int Columns = PanelLayout.Columns;
    private const int Most = 4;

    /// <summary>Bytes that are asked for ahead at the most: a small part of the second cache.</summary>
    private const long MostAhead = 32 << 10;

    private readonly long _record = ActivationRows.RowBytes(ActivationForm.Int8, length);
    private readonly long _highOffset = type == ElementType.Q6_K ? PanelLayout.PartOffset(type, length, 1) : 0;

    private readonly long _scalesOffset = PanelLayout.PartOffset(type, length, type == ElementType.Q6_K ? 2 : 1);
    private readonly long _panelBytes = PanelLayout.PanelBytes(type, length);

    /// <summary>Columns of a pass.</summary>
    private static int Wide => Math.Min(2 * F.Count, Columns);

    public override int MostTiledRows => int.MaxValue;

    public override int MostDirectRows => Most;

    public override bool DirectTakesSteps => true;

    public override void Tiled(int rows, ProductCall* call)
    {
        Panel(new() { Codes = call->Codes0, Steps = call->Steps0, Mins = call->Mins0 }, rows, call, 0);
        Panel(new() { Codes = call->Codes1, Steps = call->Steps1, Mins = call->Mins1 }, rows, call, Columns);
    }

    public override void Direct(int rows, ProductCall* call)
    {
        byte* codes = call->Codes0;
        TileColumns panel = new()
        {
            Codes = codes, High = codes + _highOffset, Steps = call->Steps0, Mins = call->Mins0, Ahead = Math.Min(_panelBytes, MostAhead),
        };
        Prefetching.Lines(codes + _panelBytes + _scalesOffset, codes + (2 * _panelBytes));
        Panel(panel, rows, call, 0);
    }

    private void Panel(TileColumns columns, int rows, ProductCall* call, int first)
    {
        byte* high = columns.High;
        for (int c = 0; c < Columns && (call->Mask >> (first + c)) != 0; c += Wide)
        {
            int there = Math.Min(Wide, (int)ulong.PopCount(call->Mask >> (first + c)));
            byte* y = (byte*)(call->Y + first + c);
            switch (type, high == null)
            {
                case (ElementType.Q8_0, _):
                    AllRows<Bytes32>(columns, rows, call, y, there);
                    break;
                case (ElementType.Q6_K, true):
                    AllRows<Bytes16>(columns, rows, call, y, there);
                    break;
                case (ElementType.Q6_K, false):
                    AllRows<Sextets>(columns, rows, call, y, there);
                    break;
                case (ElementType.Q4_K, true):
                    AllRows<WideNibbles<Yes>>(columns, rows, call, y, there);
                    break;
                case (ElementType.Q4_K, false):
                    AllRows<Nibbles<Yes>>(columns, rows, call, y, there);
                    break;
                case (_, true):
                    AllRows<WideNibbles<No>>(columns, rows, call, y, there);
                    break;
                default:
                    AllRows<Nibbles<No>>(columns, rows, call, y, there);
                    break;
            }

            columns = columns.Next(Wide);
        }
    }

    private void AllRows<TBlock>(in TileColumns columns, int rows, ProductCall* call, byte* y, int there)
        where TBlock : struct, ICodeBlock
    {
        float* edge = stackalloc float[Most * Columns];
        bool whole = there == Wide;
        byte* x = call->X;
        for (int left = rows, taken; left > 0; left -= taken, x += taken * _record, y += taken * call->YStride)
        {
            taken = left >= Most ? Most : 1;
            byte* to = whole ? y : (byte*)edge;
            long stride = whole ? call->YStride : Columns * sizeof(float);
            if (taken == Most)
            {
                for (int c = 0; c < there; c += F.Count)
                {
                    IntegerTile<T, F, TBlock>.Four(columns.Next(c), x, _record, length, to + (c * sizeof(float)), stride);
                }
            }
            else
            {
                for (int c = 0; c < there; c += IntegerTile<T, F, TBlock>.OneColumns)
                {
                    IntegerTile<T, F, TBlock>.One(c == 0 ? columns : columns.Next(c), x, length, to + (c * sizeof(float)));
                }
            }

            for (int r = 0; r < taken && !whole; r++)
            {
                new ReadOnlySpan<float>(edge + (r * Columns), there).CopyTo(new Span<float>(y + (r * call->YStride), there));
            }
        }
    }
}
