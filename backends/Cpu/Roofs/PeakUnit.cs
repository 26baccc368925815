using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>What multiplies and adds: a loop over chains in registers, of a millisecond or a few, that any threads run at a time.</summary>
internal abstract class PeakUnit(string name, double operations) : IDisposable
{
    /// <summary>The instruction, or what .NET makes one of.</summary>
    public string Name => name;

    /// <summary>Operations of one pass, a multiplication and an addition being two.</summary>
    public double Operations => operations;

    public abstract void Pass();

    public virtual void Dispose()
    {
    }

    /// <summary>What computes most of a product with such weights.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    public static PeakUnit Of(CpuTier tier, Precision precision, ElementType weights) =>
        precision == Precision.Exact ? Floats(tier)
        : tier == CpuTier.Amx && TileProduct.Takes(weights) ? PeakLoop.BrainTiles()
        : tier.IsEmitted() && weights.IsQuantized() ? PeakLoop.Bytes()
        : tier.IsEmitted() && BrainProduct.Takes(weights) ? PeakLoop.Brain()
        : weights.IsQuantized() ? Bytes(tier)
        : Floats(tier);

    private static PeakUnit Floats(CpuTier tier) => tier.Width() switch
    {
        SimdWidth.Bits512 => new FloatUnit<Simd512>(),
        SimdWidth.Bits256 => new FloatUnit<Simd256>(),
        SimdWidth.Bits128 => new FloatUnit<Simd128>(),
        _ => new FloatUnit<SimdScalar>(),
    };

    private static PeakUnit Bytes(CpuTier tier) => tier switch
    {
        CpuTier.AvxVnni => new ByteUnit<CodeVnni, Simd256>("vpdpbusd"),
        CpuTier.Avx512 => new ByteUnit<Code512, Simd512>(ByteUnit.Portable),
        CpuTier.Avx2 => new ByteUnit<Code256, Simd256>(ByteUnit.Portable),
        CpuTier.V128 => new ByteUnit<Code128, Simd128>(ByteUnit.Portable),
        _ => new ByteUnit<CodeScalar, SimdScalar>(ByteUnit.Portable),
    };
}
