namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>A width of vectors; the value is the number of f32 lanes.</summary>
internal enum SimdWidth
{
    Scalar = 1,
    Bits128 = 4,
    Bits256 = 8,
    Bits512 = 16,
}
