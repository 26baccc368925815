using System.Buffers.Binary;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>Weights of every type.</summary>
internal static class Weights
{
    public static IReadOnlyList<ElementType> Types { get; } =
    [
        ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0, ElementType.Q4_0, ElementType.Q4_K, ElementType.Q6_K,
    ];

    /// <summary>Random weights of about 1 / 16 in size.</summary>
    public static OpTensor Random(ElementType type, CaseRandom r, params Dim[] dims) => type.IsQuantized()
        ? Blocks(type, r, dims, isProbe: false)
        : Draws.Float(type, r, x => x.Normal() / 16, dims).As(TensorRole.Constant);

    /// <summary>Weights that are -1, 0 or 1; the last of each row is not 0.</summary>
    public static OpTensor Probe(ElementType type, CaseRandom r, params Dim[] dims)
    {
        if (type.IsQuantized())
        {
            return Blocks(type, r, dims, isProbe: true);
        }

        int width = (int)dims[^1].Constant;
        double[] values = r.Values(Draws.Count(dims), x => x.Below(3) - 1);
        for (int i = width - 1; i < values.Length; i += width)
        {
            values[i] = 1;
        }

        return OpTensor.Of(type, values, dims).As(TensorRole.Constant);
    }

    private static OpTensor Blocks(ElementType type, CaseRandom r, Dim[] dims, bool isProbe)
    {
        byte[] data = new byte[type.Bytes(Draws.Count(dims))];
        for (int at = 0; at < data.Length; at += type.BlockBytes())
        {
            Span<byte> block = data.AsSpan(at, type.BlockBytes());
            if (isProbe)
            {
                FillProbe(type, r, block);
            }
            else
            {
                FillRandom(type, r, block);
            }
        }

        return new(new TensorType(type, dims), TensorRole.Constant, data);
    }

    /// <summary>Random bytes, save the scales.</summary>
    private static void FillRandom(ElementType type, CaseRandom r, Span<byte> block)
    {
        foreach (ref byte b in block)
        {
            b = (byte)r.Bits();
        }

        (int at, double most) = type switch
        {
            ElementType.Q8_0 => (0, 128.0),
            ElementType.Q4_0 => (0, 8.0),
            ElementType.Q4_K => (0, 32 * 15.0),
            _ => (208, 64 * 32.0),
        };
        Put(block, at, (0.5 + r.Uniform()) / most / 8);
        if (type == ElementType.Q4_K)
        {
            Put(block, 2, (0.5 + r.Uniform()) / 64 / 8);
        }
    }

    /// <summary>Scales of 1 and elements of -1, 0, 1.</summary>
    private static void FillProbe(ElementType type, CaseRandom r, Span<byte> block)
    {
        block.Clear();
        Put(block, type == ElementType.Q6_K ? 208 : 0, 1);
        switch (type)
        {
            case ElementType.Q8_0:
                for (int i = 2; i < block.Length; i++)
                {
                    block[i] = (byte)(sbyte)(i == block.Length - 1 ? 1 : r.Below(3) - 1);
                }

                break;
            case ElementType.Q4_0:
                for (int i = 2; i < block.Length; i++)
                {
                    block[i] = (byte)(7 + r.Below(3) + ((i == block.Length - 1 ? 9 : 7 + r.Below(3)) << 4));
                }

                break;
            case ElementType.Q4_K:
                Put(block, 2, 1);

                // All scales and minima 1: six low bits of bytes 0..7, and both nibbles of bytes 8..11.
                block.Slice(4, 8).Fill(1);
                block.Slice(12, 4).Fill(0x11);
                for (int i = 16; i < block.Length; i++)
                {
                    block[i] = (byte)(r.Below(3) + ((i == block.Length - 1 ? 2 : r.Below(3)) << 4));
                }

                break;
            default:
                FillProbeQ6(r, block);
                break;
        }
    }

    /// <summary>q is 31, 32 or 33: low four bits 15, 0, 1 and high two bits 1, 2, 2.</summary>
    private static void FillProbeQ6(CaseRandom r, Span<byte> block)
    {
        block.Slice(192, 16).Fill(1);
        for (int half = 0; half < 2; half++)
        {
            for (int l = 0; l < 32; l++)
            {
                for (int quarter = 0; quarter < 4; quarter++)
                {
                    bool isLast = half == 1 && l == 31 && quarter == 3;
                    int q = isLast ? 33 : 31 + r.Below(3);
                    block[(half * 64) + l + (quarter % 2 * 32)] |= (byte)((q & 15) << (quarter / 2 * 4));
                    block[128 + (half * 32) + l] |= (byte)((q >> 4) << (quarter * 2));
                }
            }
        }
    }

    private static void Put(Span<byte> block, int at, double value) => BinaryPrimitives.WriteHalfLittleEndian(block[at..], (Half)value);
}
