using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using HeteroQwen.Backends.Cpu.Emission;

namespace HeteroQwen.Backends.Cpu.Tiers;

/// <summary>
/// What this process may use. Vector widths are .NET's view (<c>DOTNET_EnableAVX512=0</c> and its like count), for emitted code too: it
/// knows whether the system saves the registers. What .NET has no view of comes from the processor itself.
/// </summary>
internal sealed record CpuFeatures
{
    private const int FeatureLeaf = 7;

    /// <summary>The first letters of "AuthenticAMD".</summary>
    private const int Auth = 0x6874_7541;

    public bool V128 { get; init; }

    public bool Avx2 { get; init; }

    public bool AvxVnni { get; init; }

    public bool Avx512 { get; init; }

    /// <summary>AVX512_VNNI: <c>vpdpbusd zmm</c>.</summary>
    public bool Vnni { get; init; }

    /// <summary>AVX512_BF16: <c>vdpbf16ps zmm</c>.</summary>
    public bool Bf16 { get; init; }

    /// <summary>
    /// Products with <c>vdpbf16ps</c> beat f32 multiply-add: AMD does one a cycle where Intel takes two for it, which is half the rate of
    /// f32. By the maker and not by measuring, so that a machine gives the same bits each time.
    /// </summary>
    public bool FastBrainDots { get; init; }

    /// <summary>AMX-TILE, AMX-INT8 and AMX-BF16.</summary>
    public bool Tiles { get; init; }

    /// <summary>Why no machine code can be emitted; null where it can.</summary>
    public string? NoEmission { get; init; }

    /// <summary>Why the system does not let this process use tiles that the processor has; null where it does.</summary>
    public string? NoTiles { get; init; }

    public static CpuFeatures Here { get; } = Detect();

    private static CpuFeatures Detect()
    {
        CpuFeatures features = new()
        {
            V128 = Vector128.IsHardwareAccelerated,
            Avx2 = System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported,
            AvxVnni = System.Runtime.Intrinsics.X86.AvxVnni.IsSupported,
            Avx512 = Avx512F.IsSupported && Avx512F.VL.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported,
        };
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return features with { NoEmission = "machine code is emitted for Linux on x86-64 only" };
        }

        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < FeatureLeaf)
        {
            return features with { NoEmission = "the processor does not say what it has" };
        }

        (int leaves, _, int ecx, int edx) = X86Base.CpuId(FeatureLeaf, 0);
        bool brain = leaves >= 1 && Has(X86Base.CpuId(FeatureLeaf, 1).Eax, 5);
        features = features with
        {
            Vnni = Has(ecx, 11),
            Bf16 = brain,
            FastBrainDots = brain && X86Base.CpuId(0, 0).Ebx == Auth,
            Tiles = Has(edx, 22) && Has(edx, 24) && Has(edx, 25),
            NoEmission = EmissionRefusal(),
        };
        return features.Tiles && features.NoEmission is null ? features with { NoTiles = TilePermission.Refusal() } : features;
    }

    private static unsafe string? EmissionRefusal()
    {
        const byte Return = 0xC3;
        using ExecutableMemory? memory = ExecutableMemory.Create([[Return]], out string? refusal);
        if (memory is not null)
        {
            ((delegate* unmanaged<void>)memory.Function(0))();
        }

        return refusal;
    }

    private static bool Has(int register, int bit) => (register >> bit & 1) != 0;
}
