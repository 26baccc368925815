using HeteroQwen.Backends.Cpu.Kernels;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Fills rows of activations. int8: m being the largest |x| of 32, scale = m / 127 and code = round(x * (127 / m)), to nearest even; a
/// group with an infinity or NaN has a NaN as its scale, so that the whole row of results is NaN.
/// </summary>
internal static unsafe class ActivationFilling
{
    private const int Group = ActivationRows.Group;
    private const float Most = sbyte.MaxValue;

    /// <summary>Fills one row from its elements, which lie side by side. Callers may fill rows on any threads.</summary>
    public static void Fill(in ActivationRows rows, long row, float* from)
    {
        byte* to = rows.Row(row);
        long length = rows.Length;
        long padded = ActivationRows.Padded(length);
        switch (rows.Form)
        {
            case ActivationForm.F32:
                for (long k = 0; k < padded; k++)
                {
                    ((float*)to)[k] = k < length ? from[k] : 0;
                }

                break;
            case ActivationForm.BF16:
                for (long k = 0; k < padded; k++)
                {
                    ((ushort*)to)[k] = k < length ? Widening.ToBrain(from[k]) : (ushort)0;
                }

                break;
            default:
                for (long group = 0; group < padded / Group; group++)
                {
                    Quantise(from + (group * Group), (int)Math.Min(Group, length - (group * Group)), to, length, group);
                }

                break;
        }
    }

    private static void Quantise(float* from, int count, byte* record, long length, long group)
    {
        float most = 0;
        for (int i = 0; i < count; i++)
        {
            // MathF.Max keeps a NaN.
            most = MathF.Max(most, MathF.Abs(from[i]));
        }

        float scale = float.IsFinite(most) ? most / Most : float.NaN;
        sbyte* codes = (sbyte*)record + (group * Group);
        int* sums16 = (int*)(record + ActivationRows.Sums16Offset(length)) + (2 * group);
        sums16[0] = 0;
        sums16[1] = 0;
        for (int i = 0; i < Group; i++)
        {
            codes[i] = i < count ? Code(from[i], most) : (sbyte)0;
            sums16[i / 16] -= codes[i];
        }

        int sum = sums16[0] + sums16[1];
        ((float*)(record + ActivationRows.ScalesOffset(length)))[group] = scale;
        ((float*)(record + ActivationRows.ShiftsOffset(length)))[group] = scale * -sum;
        ((int*)(record + ActivationRows.Sums32Offset(length)))[group] = sum;
    }

    private static sbyte Code(float x, float most)
    {
        float factor = Most / most;
        return !float.IsFinite(most) ? (sbyte)0

            // The factor is beyond f32: the largest is next to the smallest of f32.
            : float.IsInfinity(factor) ? (sbyte)Math.Round(x == 0 ? 0 : (double)x / most * Most)
            : (sbyte)MathF.Round(x * factor);
    }
}
