using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Products with weights of F32, F16 and BF16: f32 activations, one FMA for each k in order.</summary>
internal sealed unsafe class FloatProduct(PackedMatrix matrix) : PanelProduct
{
    private const int Columns = PanelLayout.Columns;

    public override long ScratchBytes => 0;

    public override ActivationForm Form(int rows) => ActivationForm.F32;

    public override void Run(in ActivationRows x, long entry, long first, int count, float* y, long yStride, byte* scratch)
    {
        for (int row = 0; row < x.Rows; row++)
        {
            float* from = (float*)x.Row(row);
            for (int c = 0; c < Math.Min(count * Columns, matrix.Columns - (first * Columns)); c++)
            {
                byte* panel = matrix.Panel(entry, first + (c / Columns));
                float sum = 0;
                for (long k = 0; k < matrix.Length; k++)
                {
                    sum = MathF.FusedMultiplyAdd(from[k], Weight(panel, k, c % Columns), sum);
                }

                y[(row * yStride) + c] = sum;
            }
        }
    }

    private float Weight(byte* panel, long k, int n) => matrix.Type switch
    {
        ElementType.F32 => ((float*)panel)[(k * Columns) + n],
        ElementType.F16 => (float)((Half*)panel)[(k * Columns) + n],
        _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)panel)[(((k / 2 * Columns) + n) * 2) + (k % 2)] << 16),
    };
}
