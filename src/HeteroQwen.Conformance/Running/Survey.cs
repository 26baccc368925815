using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>An assembly that took part.</summary>
public sealed record AssemblyFacts(string Name, string Version, string Sha256);

/// <summary>What a worker says of its device.</summary>
/// <param name="Id">Backend and index, such as <c>cpu:0</c>.</param>
/// <param name="Name">What the vendor calls it.</param>
/// <param name="Notes">The backend's remarks, its driver's version among them.</param>
/// <param name="MemoryBytes">0 if not known.</param>
/// <param name="Precisions">Those that it offers.</param>
/// <param name="Types">Element types that its kernels read.</param>
/// <param name="Determinism">As declared.</param>
/// <param name="Numerics">As declared.</param>
/// <param name="Assemblies">The backend's, its plug-in's and the suite's.</param>
public sealed record DeviceFacts(
    string Id,
    string Name,
    ImmutableArray<string> Notes,
    long MemoryBytes,
    ImmutableArray<Precision> Precisions,
    ImmutableArray<string> Types,
    Determinism Determinism,
    ImmutableArray<Numerics> Numerics,
    ImmutableArray<AssemblyFacts> Assemblies);

/// <summary>What is known before a case is run: the device, what becomes of the models on it, and the cases.</summary>
public sealed record Survey(DeviceFacts Device, ImmutableArray<ModelLowering> Lowerings, ImmutableArray<CaseInfo> Cases);
