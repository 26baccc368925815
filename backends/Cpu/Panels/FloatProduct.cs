using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Products with weights of F32, F16 and BF16 that round nothing but sums: f32 activations, one FMA for each k in order.</summary>
internal static class FloatProduct
{
    public static PanelProduct Create(PackedMatrix matrix, CpuTier tier) => tier switch
    {
        CpuTier.AvxVnni or CpuTier.Avx2 => Create<Code256, Simd256>(matrix),
        CpuTier.V128 => Create<Code128, Simd128>(matrix),
        CpuTier.Scalar => Create<CodeScalar, SimdScalar>(matrix),
        _ => Create<Code512, Simd512>(matrix),
    };

    private static PanelProduct Create<T, F>(PackedMatrix matrix)
        where T : struct, ICodeSimd<T, F>
        where F : struct, ISimd<F> => matrix.Type switch
        {
            ElementType.F32 => new FloatProduct<T, F, FloatPanel>(matrix),
            ElementType.F16 => new FloatProduct<T, F, HalfPanel>(matrix),
            _ => new FloatProduct<T, F, BrainPanel>(matrix),
        };
}

/// <summary>
/// Up to three rows read each panel where it lies; for more, two panels at a time are widened to f32 and pass over the rows by fours. The
/// last four may overlap those before, which gives the same bits again.
/// </summary>
internal sealed unsafe class FloatProduct<T, F, TPanel>(PackedMatrix matrix) : PanelProduct
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
    where TPanel : struct, IFloatPanel
{
    private const int Columns = PanelLayout.Columns;
    private const int Rows = FloatTile<T, F>.Rows;

    /// <summary>Bytes from what is read to what is asked for: far enough for memory, a small part of the second cache.</summary>
    private const long Ahead = 16 << 10;

    private readonly long _padded = ActivationRows.Padded(matrix.Length);
    private readonly long _wideBytes = checked(ActivationRows.Padded(matrix.Length) * Columns * sizeof(float));
    private readonly long _record = ActivationRows.RowBytes(ActivationForm.F32, matrix.Length);

    public override long ScratchBytes => typeof(TPanel) == typeof(FloatPanel) ? 0 : checked(2 * _wideBytes);

    public override ActivationForm Form(int rows) => ActivationForm.F32;

    public override void Run(in ActivationRows x, long entry, long first, int count, float* y, long yStride, byte* scratch)
    {
        bool few = x.Rows < Rows;
        int step = few ? 1 : 2;
        for (int i = 0; i < count; i += step)
        {
            int there = (int)Math.Min(Columns * Math.Min(step, count - i), matrix.Columns - ((first + i) * Columns));
            byte* panel = matrix.Panel(entry, first + i);
            if (few)
            {
                FewRows(x, panel, there, y + (i * Columns), yStride);
                continue;
            }

            byte* left = Widened(panel, scratch);
            byte* right = there > Columns ? Widened(panel + matrix.PanelBytes, scratch + _wideBytes) : left;
            ManyRows(x, left, right, there, y + (i * Columns), yStride);
        }
    }

    private void FewRows(in ActivationRows x, byte* panel, int there, float* y, long yStride)
    {
        float* edge = stackalloc float[Columns];
        for (int row = 0; row < x.Rows; row++, y += yStride)
        {
            float* to = there < Columns ? edge : y;
            for (int c = 0; c < there; c += F.Count < Columns ? 2 * F.Count : Columns)
            {
                long ahead = row == 0 && c == 0 ? Ahead : 0;
                FloatTile<T, F>.One<TPanel>(panel + (c * TPanel.ColumnBytes), (float*)x.Row(row), _padded, to + c, ahead);
            }

            if (there < Columns)
            {
                new ReadOnlySpan<float>(edge, there).CopyTo(new Span<float>(y, there));
            }
        }
    }

    private void ManyRows(in ActivationRows x, byte* left, byte* right, int there, float* y, long yStride)
    {
        float* edge = stackalloc float[Rows * 2 * Columns];
        bool whole = there == 2 * Columns;
        for (int next = 0; next < x.Rows; next += Rows)
        {
            int row = Math.Min(next, x.Rows - Rows);
            float* to = whole ? y + (row * yStride) : edge;
            long stride = whole ? yStride : 2 * Columns;
            for (int c = 0; c < there; c += 2 * F.Count)
            {
                int d = c + F.Count;
                byte* w = (c < Columns ? left : right) + (c % Columns * sizeof(float));
                byte* v = (d < Columns ? left : right) + (d % Columns * sizeof(float));
                FloatTile<T, F>.Four(w, v, x.Row(row), _record, _padded, (byte*)(to + c), (byte*)(to + d), stride * sizeof(float));
            }

            for (int r = 0; r < Rows && !whole; r++)
            {
                new ReadOnlySpan<float>(edge + (r * 2 * Columns), there).CopyTo(new Span<float>(y + ((row + r) * yStride), there));
            }
        }
    }

    private byte* Widened(byte* panel, byte* scratch)
    {
        if (typeof(TPanel) == typeof(FloatPanel))
        {
            return panel;
        }

        FloatTile<T, F>.Widen<TPanel>(panel, _padded, (float*)scratch);
        return scratch;
    }
}
