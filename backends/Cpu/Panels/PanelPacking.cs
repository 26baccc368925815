using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>Packs 16 rows of a weight matrix into a panel (<see cref="PanelLayout"/>).</summary>
internal sealed unsafe class PanelPacking(ElementType type, long length)
{
    private const int Columns = PanelLayout.Columns;

    private readonly long _rowBytes = type.Bytes(length);
    private readonly long _padded = ActivationRows.Padded(length);
    private readonly long[] _offsets = PanelLayout.Offsets(type, length);

    /// <summary>Memory for the codes of 16 rows.</summary>
    public long ScratchBytes => type.IsQuantized() ? checked(Columns * _padded) : 0;

    public void Pack(byte* rows, byte* panel, byte* scratch)
    {
        switch (type)
        {
            case ElementType.F32:
                Floats((float*)rows, (float*)panel);
                return;
            case ElementType.F16:
            case ElementType.BF16:
                Halves((ushort*)rows, (ushort*)panel, type == ElementType.BF16 ? 2 : 1);
                return;
        }

        for (int n = 0; n < Columns; n++)
        {
            Row(rows + (n * _rowBytes), n, panel, scratch + (n * _padded));
        }

        Codes(scratch, panel);
    }

    private void Floats(float* rows, float* panel)
    {
        for (long k = 0; k < _padded; k++)
        {
            for (int n = 0; n < Columns; n++)
            {
                panel[(k * Columns) + n] = k < length ? rows[(n * length) + k] : 0;
            }
        }
    }

    private void Halves(ushort* rows, ushort* panel, int together)
    {
        for (long k = 0; k < _padded; k++)
        {
            for (int n = 0; n < Columns; n++)
            {
                panel[(((k / together * Columns) + n) * together) + (k % together)] = k < length ? rows[(n * length) + k] : (ushort)0;
            }
        }
    }

    /// <summary>Scales of one row into the panel, its codes in order into scratch.</summary>
    private void Row(byte* row, int n, byte* panel, byte* codes)
    {
        for (long block = 0; block < length / type.BlockElements(); block++)
        {
            byte* b = row + (block * type.BlockBytes());
            byte* to = codes + (block * type.BlockElements());
            ushort* d = (ushort*)(panel + _offsets[type == ElementType.Q6_K ? 2 : 1]) + (block * Columns) + n;
            switch (type)
            {
                case ElementType.Q8_0:
                    *d = *(ushort*)b;
                    for (int i = 0; i < 32; i++)
                    {
                        to[i] = (byte)(b[2 + i] ^ 0x80);
                    }

                    break;
                case ElementType.Q4_0:
                    *d = *(ushort*)b;
                    for (int i = 0; i < 16; i++)
                    {
                        (to[i], to[i + 16]) = ((byte)(b[2 + i] & 0xF), (byte)(b[2 + i] >> 4));
                    }

                    break;
                case ElementType.Q4_K:
                    *d = *(ushort*)b;
                    Q4K(b, block, n, panel, to);
                    break;
                default:
                    *d = *(ushort*)(b + 208);
                    Q6K(b, block, n, panel, to);
                    break;
            }
        }
    }

    private void Q4K(byte* b, long block, int n, byte* panel, byte* to)
    {
        ((ushort*)(panel + _offsets[2]))[(block * Columns) + n] = *(ushort*)(b + 2);
        byte* s = b + 4;
        for (int g = 0; g < 8; g++)
        {
            panel[_offsets[3] + (((block * 8) + g) * Columns) + n] = (byte)(g < 4 ? s[g] & 63 : (s[g + 4] & 0xF) | (s[g - 4] >> 6 << 4));
            panel[_offsets[4] + (((block * 8) + g) * Columns) + n] = (byte)(g < 4 ? s[g + 4] & 63 : (s[g + 4] >> 4) | (s[g] >> 6 << 4));
            for (int i = 0; i < 32; i++)
            {
                to[(g * 32) + i] = (byte)((b[16 + (g / 2 * 32) + i] >> (g % 2 * 4)) & 0xF);
            }
        }
    }

    private void Q6K(byte* b, long block, int n, byte* panel, byte* to)
    {
        for (int g = 0; g < 16; g++)
        {
            panel[_offsets[3] + (((block * 16) + g) * Columns) + n] = b[192 + g];
        }

        for (int e = 0; e < 256; e++)
        {
            (int half, int run, int i) = (e / 128, e / 32 % 4, e % 32);
            int low = b[(64 * half) + (run % 2 * 32) + i] >> (run / 2 * 4);
            int high = b[128 + (32 * half) + i] >> (run * 2);
            to[e] = (byte)((low & 0xF) | ((high & 3) << 4));
        }
    }

    private void Codes(byte* codes, byte* panel)
    {
        bool packsNibbles = type != ElementType.Q8_0;
        for (long block = 0; block < _padded / 32; block++)
        {
            for (int e = 0; e < 32 * Columns; e++)
            {
                (int quad, int n, int i) = (e / 64, e / 4 % Columns, e % 4);
                int code = codes[(n * _padded) + (block * 32) + (quad * 4) + i];
                if (!packsNibbles)
                {
                    panel[(block * 32 * Columns) + e] = (byte)code;
                    continue;
                }

                byte* low = panel + (block * 16 * Columns) + (e % 256);
                *low = (byte)(quad < 4 ? code & 0xF : *low | (code << 4));
                if (type == ElementType.Q6_K)
                {
                    byte* high = panel + _offsets[1] + (block * 8 * Columns) + (e % 128);
                    *high = (byte)((quad < 2 ? 0 : *high) | (code >> 4 << (quad / 2 * 2)));
                }
            }
        }
    }
}
