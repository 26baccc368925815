using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Packs 16 rows of a weight matrix into a panel (<see cref="PanelLayout"/>), 16 bytes of each at a time, so that each line of the panel
/// is filled at once. The codes are put to the bits where they belong, and four rows at a time are transposed as words of 32 bits.
/// </summary>
internal sealed unsafe class PanelPacking(ElementType type, long length)
{
    private const int Columns = PanelLayout.Columns;
    private const int Rows = 4;

    private readonly long _rowBytes = type.Bytes(length);
    private readonly long[] _offsets = PanelLayout.Offsets(type, length);

    /// <param name="rows">16 rows, one behind the other.</param>
    /// <param name="panel">The panel.</param>
    public void Pack(byte* rows, byte* panel)
    {
        switch (type)
        {
            case ElementType.F32:
                Words(rows, length, (uint*)panel);
                break;
            case ElementType.F16:
                Halves(rows, (ushort*)panel);
                break;
            case ElementType.BF16:
                Words(rows, length / 2, (uint*)panel);
                OddBrain(rows, (ushort*)panel);
                break;
            case ElementType.Q8_0:
                Q8(rows, (uint*)panel, (ushort*)(panel + _offsets[1]));
                break;
            case ElementType.Q4_0:
                Q4(rows, (uint*)panel, (ushort*)(panel + _offsets[1]));
                break;
            case ElementType.Q4_K:
                Q4K(rows, panel);
                break;
            default:
                Q6K(rows, panel);
                break;
        }
    }

    /// <summary>Words of 32 bits, and zeros up to the end of the panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Words(byte* rows, long count, uint* to)
    {
        byte* end = (byte*)to + PanelLayout.PanelBytes(type, length);
        long i = 0;
        for (; i <= count - 4; i += 4, rows += 16, to += 4 * Columns)
        {
            for (int n = 0; n < Columns; n += Rows)
            {
                byte* row = rows + (n * _rowBytes);
                Transposition.Words(Load(row, 0), Load(row, 1), Load(row, 2), Load(row, 3), to + n);
            }
        }

        for (; i < count; i++, rows += 4, to += Columns)
        {
            for (int n = 0; n < Columns; n++)
            {
                to[n] = Unsafe.ReadUnaligned<uint>(rows + (n * _rowBytes));
            }
        }

        new Span<byte>(to, checked((int)(end - (byte*)to))).Clear();
    }

    /// <summary>The last of an odd number of bf16 has zeros beside it.</summary>
    private void OddBrain(byte* rows, ushort* to)
    {
        for (int n = 0; n < Columns && length % 2 == 1; n++)
        {
            to[(length / 2 * 2 * Columns) + (2 * n)] = Unsafe.ReadUnaligned<ushort>(rows + ((n + 1) * _rowBytes) - sizeof(ushort));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Halves(byte* rows, ushort* to)
    {
        byte* end = (byte*)to + PanelLayout.PanelBytes(type, length);
        long k = 0;
        for (; k <= length - 8; k += 8, rows += 16, to += 8 * Columns)
        {
            for (int n = 0; n < Columns; n += Rows)
            {
                byte* row = rows + (n * _rowBytes);
                Transposition.Halves(
                    Load(row, 0).AsUInt16(), Load(row, 1).AsUInt16(), Load(row, 2).AsUInt16(), Load(row, 3).AsUInt16(), to + n);
            }
        }

        for (; k < length; k++, rows += 2, to += Columns)
        {
            for (int n = 0; n < Columns; n++)
            {
                to[n] = Unsafe.ReadUnaligned<ushort>(rows + (n * _rowBytes));
            }
        }

        new Span<byte>(to, checked((int)(end - (byte*)to))).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Q8(byte* rows, uint* to, ushort* d)
    {
        Vector128<byte> sign = Vector128.Create((byte)0x80);
        for (long block = 0; block < length / 32; block++, rows += 34, to += 8 * Columns, d += Columns)
        {
            Halves16(rows, d);
            for (int n = 0; n < Columns; n += Rows)
            {
                byte* q = rows + 2 + (n * _rowBytes), more = q + 16;
                Transposition.Words(Load(q, 0) ^ sign, Load(q, 1) ^ sign, Load(q, 2) ^ sign, Load(q, 3) ^ sign, to + n);
                Transposition.Words(
                    Load(more, 0) ^ sign, Load(more, 1) ^ sign, Load(more, 2) ^ sign, Load(more, 3) ^ sign, to + (4 * Columns) + n);
            }
        }
    }

    /// <summary>Q4_0 has the nibbles of the quads j and j + 4 together already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Q4(byte* rows, uint* to, ushort* d)
    {
        for (long block = 0; block < length / 32; block++, rows += 18, to += 4 * Columns, d += Columns)
        {
            Halves16(rows, d);
            for (int n = 0; n < Columns; n += Rows)
            {
                byte* q = rows + 2 + (n * _rowBytes);
                Transposition.Words(Load(q, 0), Load(q, 1), Load(q, 2), Load(q, 3), to + n);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Q4K(byte* rows, byte* panel)
    {
        uint* to = (uint*)panel;
        ushort* d = (ushort*)(panel + _offsets[1]), dmin = (ushort*)(panel + _offsets[2]);
        byte* scales = panel + _offsets[3], mins = panel + _offsets[4];
        for (long block = 0; block < length / 256; block++, rows += 144, d += Columns, dmin += Columns)
        {
            Halves16(rows, d);
            Halves16(rows + 2, dmin);
            for (int n = 0; n < Columns; n++)
            {
                ScalesOfQ4K(rows + 4 + (n * _rowBytes), scales + n, mins + n);
            }

            scales += 8 * Columns;
            mins += 8 * Columns;
            for (int run = 0; run < 4; run++, to += 8 * Columns)
            {
                for (int n = 0; n < Columns; n += Rows)
                {
                    byte* q = rows + 16 + (32 * run) + (n * _rowBytes);
                    Transposition.Words(Even(q, 0), Even(q, 1), Even(q, 2), Even(q, 3), to + n);
                    Transposition.Words(Odd(q, 0), Odd(q, 1), Odd(q, 2), Odd(q, 3), to + (4 * Columns) + n);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Q6K(byte* rows, byte* panel)
    {
        uint* to = (uint*)panel, high = (uint*)(panel + _offsets[1]);
        ushort* d = (ushort*)(panel + _offsets[2]);
        byte* scales = panel + _offsets[3];
        for (long block = 0; block < length / 256; block++, rows += 210, d += Columns)
        {
            Halves16(rows + 208, d);
            for (int i = 0; i < 16; i++, scales += Columns)
            {
                for (int n = 0; n < Columns; n++)
                {
                    scales[n] = rows[192 + i + (n * _rowBytes)];
                }
            }

            for (int run = 0; run < 8; run += 2, to += 8 * Columns, high += 4 * Columns)
            {
                // Two runs, of which the bytes of low lie side by side; those of high are the same bytes.
                int half = run / 4, lowShift = run / 2 % 2 * 4, highShift = run % 4 * 2;
                for (int n = 0; n < Columns; n += Rows)
                {
                    byte* q = rows + (n * _rowBytes) + (64 * half), b = rows + (n * _rowBytes) + 128 + (32 * half);
                    Transposition.Words(Low(q, 0, lowShift), Low(q, 1, lowShift), Low(q, 2, lowShift), Low(q, 3, lowShift), to + n);
                    q += 32;
                    uint* next = to + (4 * Columns) + n;
                    Transposition.Words(Low(q, 0, lowShift), Low(q, 1, lowShift), Low(q, 2, lowShift), Low(q, 3, lowShift), next);
                    Transposition.Words(
                        High(b, 0, highShift), High(b, 1, highShift), High(b, 2, highShift), High(b, 3, highShift), high + n);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<byte> Load(byte* row, int r) => Vector128.Load(row + (r * _rowBytes));

    /// <summary>16 bits of each of the 16 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Halves16(byte* from, ushort* to)
    {
        for (int n = 0; n < Columns; n++, from += _rowBytes)
        {
            to[n] = Unsafe.ReadUnaligned<ushort>(from);
        }
    }

    /// <summary>Of 32 bytes of Q4_K, the codes of the group in the lower halves: its first 16 below its second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<byte> Even(byte* q, int r)
    {
        Vector128<byte> low = Vector128.Create((byte)0xF);
        return (Load(q, r) & low) | ((Load(q + 16, r) & low) << 4);
    }

    /// <summary>Those of the group in the upper halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<byte> Odd(byte* q, int r) => (Load(q, r) >>> 4) | (Load(q + 16, r) & Vector128.Create((byte)0xF0));

    /// <summary>The low bits of a run of Q6_K: of its first 16 below those of its second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<byte> Low(byte* low, int r, int shift)
    {
        Vector128<byte> nibble = Vector128.Create((byte)0xF);
        return ((Load(low, r) >>> shift) & nibble) | (((Load(low + 16, r) >>> shift) & nibble) << 4);
    }

    /// <summary>The upper bits of two runs of Q6_K, each 32 in eight bytes: of the quads 0 and 1 lowest, then 2 and 3, ...</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector128<byte> High(byte* bits, int r, int shift)
    {
        Vector128<byte> two = Vector128.Create((byte)3);
        Vector128<byte> left = Load(bits, r), right = Load(bits + 16, r);
        Vector128<byte> first = ((left >>> shift) & two) | (((right >>> shift) & two) << 4);
        Vector128<byte> second = ((left >>> (shift + 2)) & two) | (((right >>> (shift + 2)) & two) << 4);
        return Vector128.Create(
            first.GetLower() | (first.GetUpper() << 2), second.GetLower() | (second.GetUpper() << 2));
    }

    /// <summary>The eight scales and minima of six bits of a block of Q4_K, 16 bytes from one to the next.</summary>
    private static void ScalesOfQ4K(byte* s, byte* scales, byte* mins)
    {
        for (int g = 0; g < 4; g++)
        {
            scales[g * Columns] = (byte)(s[g] & 63);
            mins[g * Columns] = (byte)(s[g + 4] & 63);
            scales[(g + 4) * Columns] = (byte)((s[g + 8] & 0xF) | (s[g] >> 6 << 4));
            mins[(g + 4) * Columns] = (byte)((s[g + 8] >> 4) | (s[g + 4] >> 6 << 4));
        }
    }
}
