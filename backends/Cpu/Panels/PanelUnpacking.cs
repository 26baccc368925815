using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Makes of a packed panel of a quantised type what tiled products read: codes u8[K/4][16][4], steps f32[K/g][16] (the value of one
/// code; g = 16 for Q6_K, else 32) and, of Q4_K, mins f32[K/32][16] (what is taken off each element).
/// </summary>
internal sealed unsafe class PanelUnpacking(ElementType type, long length)
{
    private const int Columns = PanelLayout.Columns;

    private readonly long[] _offsets = PanelLayout.Offsets(type, length);

    /// <summary>Elements that share a step.</summary>
    public static int Group(ElementType type) => type == ElementType.Q6_K ? 16 : 32;

    /// <summary>Bytes of the codes; none where the packed ones serve.</summary>
    public long CodesBytes => type == ElementType.Q8_0 ? 0 : checked(length * Columns);

    public long StepsBytes => checked(length / Group(type) * Columns * sizeof(float));

    public long MinsBytes => type == ElementType.Q4_K ? StepsBytes : 0;

    public void Codes(byte* panel, byte* to)
    {
        for (long block = 0; block < length / 32; block++)
        {
            for (int e = 0; e < 256; e++)
            {
                byte low = panel[(block * 256) + e];
                byte high = type == ElementType.Q6_K ? panel[_offsets[1] + (block * 128) + (e % 128)] : (byte)0;
                int shift = e / 128 * 2;
                to[(block * 512) + e] = (byte)((low & 0xF) | (((high >> shift) & 3) << 4));
                to[(block * 512) + 256 + e] = (byte)((low >> 4) | (((high >> (shift + 4)) & 3) << 4));
            }
        }
    }

    public void Steps(byte* panel, float* to)
    {
        Half* d = (Half*)(panel + _offsets[type == ElementType.Q6_K ? 2 : 1]);
        for (long i = 0; i < StepsBytes / sizeof(float); i++)
        {
            long shared = (i / Columns * Group(type) / type.BlockElements() * Columns) + (i % Columns);
            to[i] = type switch
            {
                ElementType.Q4_K => (float)d[shared] * panel[_offsets[3] + i],
                ElementType.Q6_K => (float)d[shared] * (sbyte)panel[_offsets[3] + i],
                _ => (float)d[shared],
            };
        }
    }

    /// <summary>Nothing, save for Q4_K.</summary>
    public void Mins(byte* panel, float* to)
    {
        if (type != ElementType.Q4_K)
        {
            return;
        }

        Half* dmin = (Half*)(panel + _offsets[2]);
        for (long i = 0; i < MinsBytes / sizeof(float); i++)
        {
            to[i] = (float)dmin[(i / Columns / 8 * Columns) + (i % Columns)] * panel[_offsets[4] + i];
        }
    }
}
