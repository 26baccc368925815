using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Integer products without machine code.</summary>
internal sealed unsafe class PortableTiles(ElementType type, long length) : IntegerTiles
{
    private const int Columns = PanelLayout.Columns;

    public override int MostTiledRows => 4;

    public override int MostDirectRows => 4;

    public override bool DirectTakesSteps => true;

    public override void Tiled(int rows, ProductCall* call)
    {
        for (int r = 0; r < rows; r++)
        {
            Row(r, call->Codes0, call->Steps0, call->Mins0, (uint)call->Mask & 0xFFFF, call, 0);
            Row(r, call->Codes1, call->Steps1, call->Mins1, (uint)(call->Mask >> Columns), call, Columns);
        }
    }

    public override void Direct(int rows, ProductCall* call)
    {
        byte[] codes = new byte[checked((int)(length * Columns))];
        fixed (byte* unpacked = codes)
        {
            if (type != ElementType.Q8_0)
            {
                new PanelUnpacking(type, length).Codes(call->Codes0, unpacked);
            }

            for (int r = 0; r < rows; r++)
            {
                byte* from = type == ElementType.Q8_0 ? call->Codes0 : unpacked;
                Row(r, from, call->Steps0, call->Mins0, (uint)call->Mask, call, 0);
            }
        }
    }

    private void Row(int row, byte* codes, float* steps, float* mins, uint mask, ProductCall* call, int column)
    {
        byte* x = call->X + (row * ActivationRows.RowBytes(ActivationForm.Int8, length));
        float* scales = (float*)(x + ActivationRows.ScalesOffset(length));
        float* shifts = (float*)(x + ActivationRows.ShiftsOffset(length));
        int group = PanelUnpacking.Group(type);
        float* y = (float*)((byte*)call->Y + (row * call->YStride)) + column;
        for (int n = 0; n < Columns; n++)
        {
            float sum = 0;
            for (long g = 0; g < length / group; g++)
            {
                int dot = 0;
                for (long k = g * group; k < (g + 1) * group; k++)
                {
                    dot += ((sbyte*)x)[k] * (codes[(((k / 4 * Columns) + n) * 4) + (k % 4)] - PanelLayout.Offset(type));
                }

                long i = (g * Columns) + n;
                sum = MathF.FusedMultiplyAdd(dot, steps[i] * scales[g * group / 32], sum);
                sum = type == ElementType.Q4_K ? MathF.FusedMultiplyAdd(-mins[i], shifts[g], sum) : sum;
            }

            if ((mask & (1u << n)) != 0)
            {
                y[n] = sum;
            }
        }
    }
}
