namespace HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;

/// <summary>
/// The arithmetic of <c>vdpbf16ps</c> and <c>tdpbf16ps</c>: every step an FMA rounded to nearest even whatever the mode, subnormal
/// operands taken as zero and subnormal results flushed to zero, where "subnormal" is told after rounding.
/// </summary>
internal static class BrainArithmetic
{
    private const uint Exponent = 0x7F80_0000;
    private const uint Sign = 0x8000_0000;

    /// <summary>Two products, the odd element's first.</summary>
    public static uint Dot(uint sum, uint a, uint b) => Fma(a << 16, b << 16, Fma(a & 0xFFFF_0000, b & 0xFFFF_0000, sum));

    /// <summary>a b + c of f32 bits.</summary>
    public static uint Fma(uint a, uint b, uint c)
    {
        float x = BitConverter.UInt32BitsToSingle(Flush(a));
        float y = BitConverter.UInt32BitsToSingle(Flush(b));
        float z = BitConverter.UInt32BitsToSingle(Flush(c));
        float result = MathF.FusedMultiplyAdd(x, y, z);
        uint bits = BitConverter.SingleToUInt32Bits(result);
        return (bits & ~Sign) == 0x0080_0000 && RoundedUpFromBelow(x, y, z) ? bits & Sign : Flush(bits);
    }

    public static uint Add(uint a, uint b) => Fma(a, 0x3F80_0000, b);

    public static uint Flush(uint bits) => (bits & Exponent) == 0 ? bits & Sign : bits;

    /// <summary>
    /// Whether a result of the smallest normal came from below it at the precision that a normal has: 2^-126 - 2^-151 is half way to the
    /// next of 24 bits and stays, 2^-126 - 2^-150 is one of them and goes. What is summed here is exact in double, or far from that edge.
    /// </summary>
    private static bool RoundedUpFromBelow(float x, float y, float z) =>
        Math.Abs(Math.FusedMultiplyAdd((double)x, y, z)) < Math.ScaleB(1, -126) - Math.ScaleB(1, -151);
}
