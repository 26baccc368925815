using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

/// <summary>Reads single elements of a packed matrix as <see cref="PanelLayout"/> describes them.</summary>
internal sealed unsafe class PanelReader(PackedMatrix matrix)
{
    private readonly ElementType _type = matrix.Type;

    public int Group => _type == ElementType.Q6_K ? 16 : 32;

    /// <summary>A weight of one of the float types.</summary>
    public float Float(long entry, long n, long k)
    {
        byte* panel = matrix.Panel(entry, n / 16);
        return _type switch
        {
            ElementType.F32 => ((float*)panel)[(k * 16) + (n % 16)],
            ElementType.F16 => (float)((Half*)panel)[(k * 16) + (n % 16)],
            _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)panel)[(k / 2 * 32) + (n % 16 * 2) + (k % 2)] << 16),
        };
    }

    public int Code(long entry, long n, long k)
    {
        if (_type == ElementType.Q8_0)
        {
            return *Part(entry, n, 0, (k / 4 * 64) + (n % 16 * 4) + (k % 4));
        }

        (long block, long quad, long i) = (k / 32, k / 4 % 8, k % 4);
        int low = *Part(entry, n, 0, (block * 256) + (quad % 4 * 64) + (n % 16 * 4) + i) >> (int)(quad / 4 * 4) & 0xF;
        return _type != ElementType.Q6_K
            ? low
            : low | ((*Part(entry, n, 1, (block * 128) + (quad % 2 * 64) + (n % 16 * 4) + i) >> (int)(quad / 2 * 2) & 3) << 4);
    }

    public float Step(long entry, long n, long k) => _type switch
    {
        ElementType.Q4_K => Half(entry, n, 1, k / 256) * *Part(entry, n, 3, (k / 32 * 16) + (n % 16)),
        ElementType.Q6_K => Half(entry, n, 2, k / 256) * (sbyte)*Part(entry, n, 3, (k / 16 * 16) + (n % 16)),
        _ => Half(entry, n, 1, k / 32),
    };

    public float Min(long entry, long n, long k) =>
        _type == ElementType.Q4_K ? Half(entry, n, 2, k / 256) * *Part(entry, n, 4, (k / 32 * 16) + (n % 16)) : 0;

    public float Value(long entry, long n, long k) => _type.IsFloat()
        ? Float(entry, n, k)
        : (Step(entry, n, k) * (Code(entry, n, k) - PanelLayout.Offset(_type))) - Min(entry, n, k);

    private float Half(long entry, long n, int part, long block) => (float)*(Half*)Part(entry, n, part, 2 * ((block * 16) + (n % 16)));

    private byte* Part(long entry, long n, int part, long at) =>
        matrix.Panel(entry, n / 16) + PanelLayout.PartOffset(_type, matrix.Length, part) + at;
}
