using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>A device with one fault, as its backend describes it: the name is the fault's, the notes are its category, the ops that it
/// concerns (<c>runtime</c> for none in particular), and what it does wrong.</summary>
public sealed record MutantInfo(int Index, string Name, string Category, ImmutableArray<string> Ops, string Description)
{
    /// <summary>Name of the backend of the mutants.</summary>
    public const string Backend = "mutants";

    /// <summary>The mutants that a plug-in holds.</summary>
    /// <exception cref="UserErrorException">Its devices are no mutants.</exception>
    public static ImmutableArray<MutantInfo> Of(IBackend backend, string plugin)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Status status = backend.Devices(out ImmutableArray<DeviceInfo> devices);
        if (backend.Name != Backend || !status.IsOk || devices.IsDefaultOrEmpty
            || devices.Any(d => d.Notes.IsDefault || d.Notes.Length != 3))
        {
            throw new UserErrorException(
                $"--plugin {plugin}: its devices are no mutants; "
                + "with --mutants give HeteroQwen.Mutants.dll, which tests/HeteroQwen.Mutants builds");
        }

        return [.. devices.Select(d => new MutantInfo(d.Index, d.Name, d.Notes[0], [.. d.Notes[1].Split(' ')], d.Notes[2]))];
    }

    /// <summary>Whether a case is among those that the mutant is tried on: its op's, for faults of the runtime the runtime's, and a
    /// dense model and one with experts.</summary>
    public bool IsTriedOn(CaseInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        return info.Kind switch
        {
            CaseKind.Op => Ops.Contains(info.Op!),
            CaseKind.Runtime => Category == "runtime" || Ops.Contains("runtime"),
            _ => info.Precision == Precision.Exact
                && (info.Id.StartsWith($"model/{GoldenModel.DenseName}/logits/", StringComparison.Ordinal)
                    || info.Id.StartsWith($"model/{GoldenModel.MoeName}/logits/", StringComparison.Ordinal)),
        };
    }
}
