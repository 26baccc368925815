using System.Numerics;
using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;
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

    /// <summary>Byte i of a block of 256 bytes of low bits becomes bytes i (its lower half) and 256 + i of the codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Codes(byte* panel, byte* to)
    {
        byte* high = type == ElementType.Q6_K ? panel + _offsets[1] : null;
        Vector<byte> nibble = Vector.Create((byte)0xF), sextet = Vector.Create((byte)0x30);
        for (long block = 0; block < length / 32; block++, panel += 256, to += 512)
        {
            for (int i = 0; i < 256; i += Vector<byte>.Count)
            {
                Vector<byte> both = Vector.Load(panel + i);
                Vector<byte> low = both & nibble, up = (both >>> 4) & nibble;
                if (high != null)
                {
                    // Quads 0, 1 and 2, 3 in bits 0 and 2; quads 4 to 7 so in the upper half.
                    Vector<byte> bits = Vector.Load(high + (i % 128));
                    low |= (i < 128 ? bits << 4 : bits << 2) & sextet;
                    up |= (i < 128 ? bits : bits >>> 2) & sextet;
                }

                low.Store(to + i);
                up.Store(to + 256 + i);
            }

            high = high == null ? null : high + 128;
        }
    }

    public void Steps(byte* panel, float* to)
    {
        switch (type)
        {
            case ElementType.Q4_K:
                Products((ushort*)(panel + _offsets[1]), (sbyte*)panel + _offsets[3], to);
                break;
            case ElementType.Q6_K:
                Products((ushort*)(panel + _offsets[2]), (sbyte*)panel + _offsets[3], to);
                break;
            default:
                Halves((ushort*)(panel + _offsets[1]), to);
                break;
        }
    }

    /// <summary>Nothing, save for Q4_K.</summary>
    public void Mins(byte* panel, float* to)
    {
        if (type == ElementType.Q4_K)
        {
            Products((ushort*)(panel + _offsets[2]), (sbyte*)panel + _offsets[4], to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Halves(ushort* from, float* to)
    {
        for (long i = 0; i < length / Group(type) * Columns; i += Columns)
        {
            Simd256.Store(to + i, Simd256.LoadHalves(from + i));
            Simd256.Store(to + i + 8, Simd256.LoadHalves(from + i + 8));
        }
    }

    /// <summary>A half for each 256 elements times a byte for each group; those of Q4_K are below 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Products(ushort* halves, sbyte* factors, float* to)
    {
        for (long block = 0; block < length / 256; block++, halves += Columns)
        {
            Simd256 left = Simd256.LoadHalves(halves), right = Simd256.LoadHalves(halves + 8);
            for (int i = 0; i < 256 / Group(type); i++, factors += Columns, to += Columns)
            {
                Simd256.Store(to, left * Simd256.LoadBytes(factors));
                Simd256.Store(to + 8, right * Simd256.LoadBytes(factors + 8));
            }
        }
    }
}
