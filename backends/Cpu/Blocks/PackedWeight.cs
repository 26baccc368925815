using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>A packed matrix, or the matrices of all experts, and the product with it: columns by tiles of two panels.</summary>
internal sealed unsafe class PackedWeight(PackedMatrix matrix, PanelProduct product, CpuTier tier) : IDisposable
{
    /// <summary>Columns of a tile: two panels, for which the products of many rows are made.</summary>
    public const int TileColumns = PanelsTogether * PanelLayout.Columns;

    /// <summary>Rows of a tile at the most, so that tiles stay in the second cache.</summary>
    private const int TileRows = 512;

    private const int PanelsTogether = 2;

    /// <summary>Bytes of weights that a thread reads, and multiply-adds that it does, in a nanosecond, to weigh work.</summary>
    private const long BytesPerCost = 12, ProductsPerCost = 64;

    private readonly delegate*<float*, float*, float*, long, void> _swiGlu = SwiGluLoops.For(tier.Width());

    public static PackedWeight Of(ConstantData constant, WorkerPool pool)
    {
        PackedMatrix matrix = PackedMatrix.Pack(constant, pool);
        return new PackedWeight(matrix, PanelProduct.Create(matrix, pool.Tier, pool.Emitted), pool.Tier);
    }

    public PanelProduct Product => product;

    public long Columns => matrix.Columns;

    public long Length => matrix.Length;

    /// <summary>Bytes of all matrices.</summary>
    public long Bytes => matrix.Bytes;

    /// <summary>Matrices.</summary>
    public long Matrices => matrix.Matrices;

    /// <summary>Tiles side by side in one matrix: the units of work.</summary>
    public long Tiles => (matrix.Panels + PanelsTogether - 1) / PanelsTogether;

    /// <summary>Elements of a tile of a launch of so many rows.</summary>
    public static long TileElements(long rows) => Math.Min(TileRows, rows) * TileColumns;

    /// <summary>Cost of a tile of so many rows, in about a nanosecond.</summary>
    public long TileCost(long rows) =>
        Math.Max(PanelsTogether * matrix.PanelBytes / BytesPerCost, TileColumns * rows * matrix.Length / ProductsPerCost);

    /// <summary>Columns of a tile: all but the last have <see cref="TileColumns"/>.</summary>
    public int ColumnsOf(long tile) => (int)Math.Min(TileColumns, matrix.Columns - (tile * TileColumns));

    /// <summary>y[row, i] = rows[row] . column 32 tile + i of a matrix.</summary>
    public void Multiply(in ActivationRows rows, long entry, long tile, float* y, long yStride, byte* scratch)
    {
        long first = tile * PanelsTogether;
        product.Run(rows, entry, first, (int)Math.Min(PanelsTogether, matrix.Panels - first), y, yStride, scratch);
    }

    /// <summary>y[row, n] = rows[row] . column n (+ bias[n]) for the columns of a tile and all rows.</summary>
    public void MultiplyAll(PreparedRows rows, long tile, float* bias, float* y, byte* scratch)
    {
        ActivationRows prepared = rows.For(product);
        y += tile * TileColumns;
        for (int row = 0, count; row < prepared.Rows; row += count)
        {
            count = Math.Min(TileRows, prepared.Rows - row);
            float* to = y + (row * matrix.Columns);
            Multiply(prepared.Slice(row, count), 0, tile, to, matrix.Columns, scratch);
            for (int i = 0; bias != null && i < count; i++, to += matrix.Columns)
            {
                Lanes.Add(to, bias + (tile * TileColumns), to, ColumnsOf(tile));
            }
        }
    }

    /// <summary>A tile of y = silu(gate . row) * (up . row), for rows that both take.</summary>
    /// <param name="gate">This weight is up.</param>
    /// <param name="forGate">Rows as gate takes them.</param>
    /// <param name="forUp">The same rows as up takes them.</param>
    /// <param name="entry">Which matrix of each.</param>
    /// <param name="tile">Which columns.</param>
    /// <param name="y">[rows, N].</param>
    /// <param name="sums">Memory for two tiles.</param>
    /// <param name="scratch">The products' memory.</param>
    public void SwiGlu(
        PackedWeight gate, in ActivationRows forGate, in ActivationRows forUp, long entry, long tile, float* y, float* sums, byte* scratch)
    {
        int columns = ColumnsOf(tile);
        float* ups = sums + (Math.Min(TileRows, forGate.Rows) * TileColumns);
        for (int row = 0, count; row < forGate.Rows; row += count)
        {
            count = Math.Min(TileRows, forGate.Rows - row);
            gate.Multiply(forGate.Slice(row, count), entry, tile, sums, TileColumns, scratch);
            Multiply(forUp.Slice(row, count), entry, tile, ups, TileColumns, scratch);
            for (int i = 0; i < count; i++)
            {
                float* to = y + ((row + i) * matrix.Columns) + (tile * TileColumns);
                _swiGlu(sums + (i * TileColumns), ups + (i * TileColumns), to, columns);
            }
        }
    }

    /// <summary>y[row, n] = x[row, n] + rows[row] . column n (+ bias[n]) for the columns of a tile and all rows; y may be x.</summary>
    /// <param name="rows">Activations.</param>
    /// <param name="tile">Which columns.</param>
    /// <param name="bias">[N], or null.</param>
    /// <param name="x">[rows, N].</param>
    /// <param name="y">[rows, N].</param>
    /// <param name="sums">Memory for a tile.</param>
    /// <param name="scratch">The product's memory.</param>
    public void AddTo(PreparedRows rows, long tile, float* bias, float* x, float* y, float* sums, byte* scratch)
    {
        ActivationRows prepared = rows.For(product);
        int columns = ColumnsOf(tile);
        for (int row = 0, count; row < prepared.Rows; row += count)
        {
            count = Math.Min(TileRows, prepared.Rows - row);
            Multiply(prepared.Slice(row, count), 0, tile, sums, TileColumns, scratch);
            for (int i = 0; i < count; i++)
            {
                float* sum = sums + (i * TileColumns);
                long at = ((row + i) * matrix.Columns) + (tile * TileColumns);
                if (bias != null)
                {
                    Lanes.Add(sum, bias + (tile * TileColumns), sum, columns);
                }

                Lanes.Add(x + at, sum, y + at, columns);
            }
        }
    }

    public void Dispose() => matrix.Dispose();
}
