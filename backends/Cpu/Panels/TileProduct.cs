using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Products of many rows on the tiles of AMX: BF16 activations, and weights rounded to BF16, two panels at a time, which pass over all
/// rows. Few rows go another way: they would not fill tiles, and unpacking would cost more than the product.
/// </summary>
internal sealed unsafe class TileProduct : PanelProduct
{
    private const int Together = 2;

    /// <summary>Rows from which a launch goes over tiles.</summary>
    private const int FewestRows = 16;

    private readonly PackedMatrix _matrix;
    private readonly PanelProduct _few;
    private readonly PairKernels _kernels;
    private readonly BrainUnpacking? _unpacking;
    private readonly long _panelBytes;
    private readonly long _recordBytes;

    public TileProduct(PackedMatrix matrix, PanelProduct few, PairKernels kernels)
    {
        (_matrix, _few, _kernels) = (matrix, few, kernels);
        _recordBytes = ActivationRows.RowBytes(ActivationForm.BF16, matrix.Length);
        if (matrix.Type != ElementType.BF16)
        {
            _panelBytes = PanelLayout.PanelBytes(ElementType.BF16, matrix.Length);
            _unpacking = new BrainUnpacking(matrix.Type, matrix.Length);
        }
    }

    /// <summary>Products with weights of this type are done so in the tier that has tiles.</summary>
    public static bool Takes(ElementType type) => type == ElementType.BF16 || type.IsQuantized();

    /// <summary>Two panels, what unpacking needs, and the kernel's spill.</summary>
    public override long ScratchBytes =>
        Math.Max(_few.ScratchBytes, checked((Together * _panelBytes) + (_unpacking?.ScratchBytes ?? 0) + TileKernel.SpillBytes));

    public override ActivationForm Form(int rows) => rows < FewestRows ? _few.Form(rows) : ActivationForm.BF16;

    public override void Run(in ActivationRows x, long matrix, long first, int count, float* y, long yStride, byte* scratch)
    {
        // Rows that were prepared for tiles may come a few at a time.
        if (x.Form != ActivationForm.BF16 || (x.Rows < FewestRows && _few.Form(x.Rows) == ActivationForm.BF16))
        {
            _few.Run(x, matrix, first, count, y, yStride, scratch);
            return;
        }

        ProductCall call = default;
        call.YStride = yStride * sizeof(float);
        call.Spill = scratch;
        for (int i = 0; i < count; i += Together)
        {
            int panels = Math.Min(Together, count - i);
            call.Codes0 = Panel(matrix, first + i, 0, scratch);
            call.Codes1 = panels == Together ? Panel(matrix, first + i + 1, 1, scratch) : call.Codes0;
            call.X = x.Data;
            call.Y = y + (i * PanelLayout.Columns);
            call.Mask = ProductCall.MaskOf(_matrix.Columns, first + i, panels);
            _kernels.RunAll(x.Rows, &call, _recordBytes);
        }
    }

    private byte* Panel(long matrix, long panel, int which, byte* scratch)
    {
        byte* packed = _matrix.Panel(matrix, panel);
        if (_unpacking is null)
        {
            return packed;
        }

        byte* panels = scratch + TileKernel.SpillBytes;
        byte* to = panels + (which * _panelBytes);
        _unpacking.Unpack(packed, to, panels + (Together * _panelBytes));
        return to;
    }
}
