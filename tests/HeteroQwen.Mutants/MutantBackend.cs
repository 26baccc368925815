using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>
/// The processor, as many times as there are plausible faults, each with one of them: a suite that passes one of these devices has a
/// blind spot. A device's name is its fault's; its notes are the category, the ops that it concerns, and what it does wrong.
/// </summary>
public sealed class MutantBackend : IBackend
{
    /// <summary>Environment variable with the path of a folder in which a device makes a file of its name when its fault first comes
    /// into effect: the proof that it fired, which survives the process.</summary>
    public const string FiredVariable = "HETEROQWEN_FIRED";

    private readonly CpuBackend _inner = new();
    private long _fired;

    public string Name => "mutants";

    /// <summary>How often the faults of this backend's devices came into effect.</summary>
    public long Fired => _fired;

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [.. Catalogue.All.Select((m, i) => new DeviceInfo(
            i, m.Mutant.Name, true, null, 0, [], [m.Category.ToString().ToLowerInvariant(), m.Mutant.Ops, m.Mutant.Does]))];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = null;
        if (index < 0 || index >= Catalogue.All.Length)
        {
            return new(StatusCode.Unavailable, $"mutants:{index} does not exist; there are {Catalogue.All.Length}");
        }

        Status status = _inner.Open(0, options, out IDevice? inner);
        if (status.IsOk)
        {
            Mutant mutant = Catalogue.All[index].Mutant;
            device = new MutantDevice(mutant, inner!, () => Fire(mutant.Name));
        }

        return status;
    }

    private void Fire(string name)
    {
        if (Interlocked.Increment(ref _fired) == 1 && Environment.GetEnvironmentVariable(FiredVariable) is { Length: > 0 } folder)
        {
            File.Create(Path.Combine(folder, name)).Dispose();
        }
    }
}
