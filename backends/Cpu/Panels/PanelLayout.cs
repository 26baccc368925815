using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Where a weight matrix [N, K] lies once it is packed: panels of 16 rows of the matrix, which are columns of the product, one after
/// the other; the last is filled up with zeros. In a panel the elements that one instruction multiplies lie side by side, for the 16
/// columns in turn, and scales lie behind the elements, so that a thread reads a panel as one or two linear streams.
/// <code>
/// F32   f32[Kp][16]                        F16  f16[Kp][16]
/// BF16  bf16[Kp/2][16][2]                  pairs of k, as vdpbf16ps and AMX take them
/// Q8_0  u8[Kp/4][16][4] (q + 128)          | f16 d[Kp/32][16]
/// Q4_0  u8[Kp/32][4][16][4]                | f16 d[Kp/32][16]
///       of 8 quads of k in a block, byte (j, n, i) holds quad j in its low and quad j + 4 in its high nibble: values 0..15 (q + 8)
/// Q4_K  u8[Kp/32][4][16][4] as Q4_0 (0..15) | f16 d[Kp/256][16] | f16 dmin[Kp/256][16] | u8 sc[Kp/32][16] | u8 m[Kp/32][16]
/// Q6_K  low: u8[Kp/32][4][16][4] as Q4_0    | high: u8[Kp/32][2][16][4] | f16 d[Kp/256][16] | s8 sc[Kp/16][16]
///       byte (j, n, i) of high holds the upper two bits of quads j, j + 2, j + 4, j + 6 from its lowest bits up: values 0..63 (q + 32)
/// </code>
/// Kp is K filled up with zeros to a multiple of 32 (of what a quantised type's block asks for, K is a multiple already). Parts of a
/// panel and panels start at multiples of 64 bytes. A value is d (code - offset), in Q4_K (d sc) code - (dmin m), in Q6_K
/// (d sc) (code - 32), each product rounded to f32 as the formats define it.
/// </summary>
internal static class PanelLayout
{
    /// <summary>Columns of a panel.</summary>
    public const int Columns = 16;

    private const int Alignment = 64;

    /// <summary>What is added to a signed code to make it unsigned.</summary>
    public static int Offset(ElementType type) => type switch
    {
        ElementType.Q8_0 => 128,
        ElementType.Q4_0 => 8,
        ElementType.Q6_K => 32,
        _ => 0,
    };

    /// <summary>Bytes of the parts of a panel, in order; the types with fewer parts have zeros.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long[] Parts(ElementType type, long length)
    {
        long k = ActivationRows.Padded(length);
        return type switch
        {
            ElementType.F32 => [checked(k * 64)],
            ElementType.F16 or ElementType.BF16 => [checked(k * 32)],
            ElementType.Q8_0 => [checked(k * 16), k],
            ElementType.Q4_0 => [checked(k * 8), k],
            ElementType.Q4_K => [checked(k * 8), k / 8, k / 8, k / 2, k / 2],
            ElementType.Q6_K => [checked(k * 8), checked(k * 4), k / 8, k],
            _ => throw new ArgumentException($"weights of {type.Name()} are not packed"),
        };
    }

    /// <summary>Bytes from the start of a panel to a part.</summary>
    public static long PartOffset(ElementType type, long length, int part) =>
        Parts(type, length).Take(part).Aggregate(0L, (sum, bytes) => checked(sum + Aligned(bytes)));

    /// <summary><see cref="PartOffset"/> of each part.</summary>
    public static long[] Offsets(ElementType type, long length) =>
        [.. Parts(type, length).Select((_, part) => PartOffset(type, length, part))];

    /// <summary>Bytes from one panel to the next.</summary>
    public static long PanelBytes(ElementType type, long length) =>
        Parts(type, length).Aggregate(0L, (sum, bytes) => checked(sum + Aligned(bytes)));

    public static long Panels(long columns) => checked(columns + Columns - 1) / Columns;

    private static long Aligned(long bytes) => checked(bytes + Alignment - 1) / Alignment * Alignment;
}
