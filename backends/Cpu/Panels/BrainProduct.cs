using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Products with BF16 weights by <c>vdpbf16ps</c>: BF16 activations, packed panels as they are, two at a time, which pass over all rows.
/// </summary>
internal sealed unsafe class BrainProduct(PackedMatrix matrix, PairKernels kernels) : PanelProduct
{
    private const int Together = 2;

    private readonly long _recordBytes = ActivationRows.RowBytes(ActivationForm.BF16, matrix.Length);

    /// <summary>Products with weights of this type are done so here, in tiers that are emitted.</summary>
    public static bool Takes(ElementType type) => type == ElementType.BF16 && CpuFeatures.Here.FastBrainDots;

    public override long ScratchBytes => 0;

    public override ActivationForm Form(int rows) => ActivationForm.BF16;

    public override void Run(in ActivationRows x, long matrixIndex, long first, int count, float* y, long yStride, byte* scratch)
    {
        ProductCall call = default;
        call.YStride = yStride * sizeof(float);
        for (int i = 0; i < count; i += Together)
        {
            int panels = Math.Min(Together, count - i);
            call.Codes0 = matrix.Panel(matrixIndex, first + i);
            call.Codes1 = panels == Together ? matrix.Panel(matrixIndex, first + i + 1) : call.Codes0;
            call.X = x.Data;
            call.Y = y + (i * PanelLayout.Columns);
            call.Mask = ProductCall.MaskOf(matrix.Columns, first + i, panels);
            kernels.RunAll(x.Rows, &call, _recordBytes);
        }
    }
}
