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
/// Passes over the vectors of columns of one panel or two, and over the rows by fours; what is left of them one by one.
/// </summary>
internal sealed unsafe class PortableTiles<T, F>(ElementType type, long length) : IntegerTiles
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
{
    private const int Columns = PanelLayout.Columns;
    private const int Most = 4;

    private readonly long _record = ActivationRows.RowBytes(ActivationForm.Int8, length);
    private readonly long _highOffset = type == ElementType.Q6_K ? PanelLayout.PartOffset(type, length, 1) : 0;

    public override int MostTiledRows => int.MaxValue;

    public override int MostDirectRows => Most;

    public override bool DirectTakesSteps => true;

    public override void Tiled(int rows, ProductCall* call)
    {
        Panel(call->Codes0, null, call->Steps0, call->Mins0, rows, call, 0);
        Panel(call->Codes1, null, call->Steps1, call->Mins1, rows, call, Columns);
    }

    public override void Direct(int rows, ProductCall* call) =>
        Panel(call->Codes0, call->Codes0 + _highOffset, call->Steps0, call->Mins0, rows, call, 0);

    private void Panel(byte* codes, byte* high, float* steps, float* mins, int rows, ProductCall* call, int first)
    {
        for (int c = 0; c < Columns && (call->Mask >> (first + c)) != 0; c += F.Count)
        {
            TileColumns columns = new() { Codes = codes + (4 * c), High = high + (4 * c), Steps = steps + c, Mins = mins + c };
            int there = Math.Min(F.Count, (int)ulong.PopCount(call->Mask >> (first + c)));
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
        }
    }

    private void AllRows<TBlock>(in TileColumns columns, int rows, ProductCall* call, byte* y, int there)
        where TBlock : struct, ICodeBlock
    {
        float* edge = stackalloc float[Most * Columns];
        bool whole = there == F.Count;
        byte* x = call->X;
        for (int left = rows, taken; left > 0; left -= taken, x += taken * _record, y += taken * call->YStride)
        {
            taken = left >= Most ? Most : 1;
            byte* to = whole ? y : (byte*)edge;
            long stride = whole ? call->YStride : Columns * sizeof(float);
            if (taken == Most)
            {
                IntegerTile<T, F, TBlock>.Four(columns, x, _record, length, to, stride);
            }
            else
            {
                IntegerTile<T, F, TBlock>.One(columns, x, length, to);
            }

            for (int r = 0; r < taken && !whole; r++)
            {
                new ReadOnlySpan<float>(edge + (r * Columns), there).CopyTo(new Span<float>(y + (r * call->YStride), there));
            }
        }
    }
}
