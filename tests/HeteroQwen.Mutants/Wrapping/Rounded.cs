namespace HeteroQwen.Mutants;

/// <summary>Values in narrower formats, as f32.</summary>
internal static class Rounded
{
    /// <summary>To bf16, to nearest even.</summary>
    public static float ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? value
            : BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    public static float ToHalf(float value) => (float)(Half)value;

    /// <summary>Towards zero, to so many bits of significand, the hidden one included.</summary>
    public static float Truncate(float value, int bits) =>
        float.IsNaN(value) ? value : BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & (uint.MaxValue << (24 - bits)));

    /// <summary>Subnormal numbers become zero.</summary>
    public static float Flush(float value) => float.IsSubnormal(value) ? 0 : value;
}
