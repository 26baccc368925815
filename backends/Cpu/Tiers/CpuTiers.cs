using System.Collections.Immutable;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Tiers;

/// <summary>The tiers of a machine.</summary>
internal static class CpuTiers
{
    /// <summary>The tiers that run here, best first.</summary>
    public static ImmutableArray<CpuTier> Here { get; } = Of(CpuFeatures.Here);

    public static string Name(this CpuTier tier) => tier switch
    {
        CpuTier.Amx => "amx",
        CpuTier.Avx512Vnni => "avx512-vnni",
        CpuTier.AvxVnni => "avx-vnni",
        CpuTier.Avx512 => "avx512",
        CpuTier.Avx2 => "avx2",
        CpuTier.V128 => "v128",
        _ => "scalar",
    };

    /// <summary>The width of the vectors of a tier's loops.</summary>
    public static SimdWidth Width(this CpuTier tier) => tier switch
    {
        CpuTier.Amx or CpuTier.Avx512Vnni or CpuTier.Avx512 => SimdWidth.Bits512,
        CpuTier.AvxVnni or CpuTier.Avx2 => SimdWidth.Bits256,
        CpuTier.V128 => SimdWidth.Bits128,
        _ => SimdWidth.Scalar,
    };

    /// <summary>The tier runs emitted machine code where it pays.</summary>
    public static bool IsEmitted(this CpuTier tier) => tier is CpuTier.Amx or CpuTier.Avx512Vnni;

    /// <summary>The tiers that a machine with these features runs, best first.</summary>
    public static ImmutableArray<CpuTier> Of(CpuFeatures features) => [.. Enum.GetValues<CpuTier>().Where(tier => tier switch
    {
        CpuTier.Amx or CpuTier.Avx512Vnni => Missing(tier, features) is null,
        CpuTier.AvxVnni => features.AvxVnni && features.Avx2,
        CpuTier.Avx512 => features.Avx512,
        CpuTier.Avx2 => features.Avx2,
        CpuTier.V128 => features.V128,
        _ => true,
    })];

    /// <summary>Why the emitted tiers that are missing are.</summary>
    public static ImmutableArray<string> Notes(CpuFeatures features)
    {
        (CpuTier Tier, string? Reason)[] missing =
            [.. new[] { CpuTier.Amx, CpuTier.Avx512Vnni }.Select(tier => (tier, Missing(tier, features)))];
        return [.. missing.Where(m => m.Reason is not null).Select(m => $"no tier {m.Tier.Name()}: {m.Reason}")];
    }

    private static string? Missing(CpuTier tier, CpuFeatures features) => features switch
    {
        { NoEmission: string reason } => reason,
        { Vnni: false } when tier == CpuTier.Avx512Vnni => "the processor has no AVX512-VNNI",
        { Tiles: false } when tier == CpuTier.Amx => "the processor has no AMX",
        { Avx512: false } => "AVX-512 is switched off for this process",
        { Vnni: false } => "the processor has no AVX512-VNNI",
        { NoTiles: string reason } when tier == CpuTier.Amx => reason,
        _ => null,
    };
}
