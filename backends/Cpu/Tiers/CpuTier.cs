namespace HeteroQwen.Backends.Cpu.Tiers;

/// <summary>
/// What the kernels of a device are made of, best first. <see cref="Amx"/> and <see cref="Avx512Vnni"/> run emitted machine code where
/// it pays, the others what .NET compiles.
/// </summary>
internal enum CpuTier
{
    Amx,
    Avx512Vnni,
    AvxVnni,
    Avx512,
    Avx2,
    V128,
    Scalar,
}
