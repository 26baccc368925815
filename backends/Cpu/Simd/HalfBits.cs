namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Constants of the widening of f16: bits of an f32 in which an f16, sign extended, stands 13 places up.</summary>
internal static class HalfBits
{
    /// <summary>The sign, and the exponent and fraction of an f16; what sign extension left between them is dropped.</summary>
    public const int SignAndMagnitude = unchecked((int)0x8FFFE000);

    public const int Magnitude = 0x0FFFE000;

    /// <summary>The largest finite f16, 65504; above it are infinity and the NaNs.</summary>
    public const int Largest = 0x7BFF << 13;

    public const int Infinity = 0x7F800000;

    /// <summary>2^112: the difference of the two biases.</summary>
    public const float Rebias = 5.192296858534828e33f;
}
