using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>One packed panel read element by element, as <see cref="PanelLayout"/> words it.</summary>
internal sealed unsafe class PanelReference(ElementType type, long length, nint panel)
{
    private const int Columns = PanelLayout.Columns;

    /// <summary>The code of element k of column n, its offset still in it.</summary>
    public int Code(long k, int n)
    {
        byte* data = (byte*)panel;
        if (type == ElementType.Q8_0)
        {
            return data[(((k / 4 * Columns) + n) * 4) + (k % 4)];
        }

        (long block, long quad, long i) = (k / 32, k % 32 / 4, k % 4);
        int low = data[(block * 256) + ((((quad % 4) * Columns) + n) * 4) + i];
        low = quad < 4 ? low & 15 : low >> 4;
        if (type != ElementType.Q6_K)
        {
            return low;
        }

        int high = Part(1)[(block * 128) + ((((quad % 2) * Columns) + n) * 4) + i];
        return low | ((high >> (int)(quad / 2 * 2) & 3) << 4);
    }

    /// <summary>The value of one code.</summary>
    public float Step(long k, int n) => type switch
    {
        ElementType.Q4_K => D(1, k / 256, n) * Part(3)[(k / 32 * Columns) + n],
        ElementType.Q6_K => D(2, k / 256, n) * (sbyte)Part(3)[(k / 16 * Columns) + n],
        _ => D(1, k / 32, n),
    };

    /// <summary>What is taken off each element.</summary>
    public float Min(long k, int n) => type == ElementType.Q4_K ? D(2, k / 256, n) * Part(4)[(k / 32 * Columns) + n] : 0;

    /// <summary>The product with a record of activations.</summary>
    public float Product(byte* record, int n)
    {
        float* scales = (float*)(record + ActivationRows.ScalesOffset(length));
        float* shifts = (float*)(record + ActivationRows.ShiftsOffset(length));
        int group = type == ElementType.Q6_K ? 16 : 32;
        float sum = 0;
        for (long first = 0; first < length; first += group)
        {
            int dot = 0;
            for (long k = first; k < first + group; k++)
            {
                dot += ((sbyte*)record)[k] * (Code(k, n) - PanelLayout.Offset(type));
            }

            sum = MathF.FusedMultiplyAdd(dot, Step(first, n) * scales[first / 32], sum);
            sum = type == ElementType.Q4_K ? MathF.FusedMultiplyAdd(-Min(first, n), shifts[first / 32], sum) : sum;
        }

        return sum;
    }

    private float D(int part, long block, int n) => (float)((Half*)Part(part))[(block * Columns) + n];

    private byte* Part(int part) => (byte*)panel + PanelLayout.PartOffset(type, length, part);
}
