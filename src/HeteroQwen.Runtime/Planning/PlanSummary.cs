using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>A copy or transfer that planning put in because a kernel could not take a value as it lay.</summary>
/// <param name="Label">Name of the value that it makes.</param>
/// <param name="What"><c>copy</c>, <c>to host</c> or <c>to device</c>.</param>
/// <param name="Bytes">Bytes moved in the largest step.</param>
public sealed record InsertedStep(string Label, string What, long Bytes);

/// <summary>Memory of one side, in bytes.</summary>
/// <param name="Side">The side.</param>
/// <param name="Arena">Activations of the largest step, sharing memory where they are never alive together.</param>
/// <param name="Values">The same activations without sharing.</param>
/// <param name="States">The KV pool.</param>
/// <param name="Constants">Upper bound of packed weights; 0 where kernels read the host's memory.</param>
public sealed record SideMemory(Side Side, long Arena, long Values, long States, long Constants);

/// <summary>What a lowered graph costs, worked out without preparing a kernel or allocating anything.</summary>
/// <param name="Inserted">Copies and transfers between the kernels.</param>
/// <param name="Memory">Memory of each side that is used.</param>
public sealed record PlanSummary(ImmutableArray<InsertedStep> Inserted, ImmutableArray<SideMemory> Memory)
{
    /// <exception cref="UserErrorException">A value exceeds the largest buffer of its side.</exception>
    public static PlanSummary Of(LoweredGraph lowered, Device device, Device? host, SessionOptions options)
    {
        ArgumentNullException.ThrowIfNull(lowered);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        Plan plan = Planner.Build(lowered, device, host, options);
        Liveness.Compute(plan, _ => null);
        HashSet<string> kernels = [.. lowered.Graph.Operations.Select(o => o.Results[0].Name)];
        Bindings maxima = options.Maxima;
        return new(
            [.. plan.Steps.Select(step => AsInserted(step, kernels, maxima)).OfType<InsertedStep>()],
            [.. Sides(plan, device, host).Select(s => MemoryOf(plan, s.Side, s.Device, maxima))]);
    }

    private static InsertedStep? AsInserted(PlanStep step, HashSet<string> kernels, Bindings maxima) => step switch
    {
        TransferStep transfer => new(
            transfer.From.Name, transfer.To.Side == Side.Host ? "to host" : "to device", transfer.From.Type.Bytes(maxima)),
        LaunchStep launch when !kernels.Contains(launch.Label) => new(launch.Label, "copy", launch.Views[^1]!.Storage.Type.Bytes(maxima)),
        _ => null,
    };

    private static IEnumerable<(Side Side, Device Device)> Sides(Plan plan, Device device, Device? host)
    {
        yield return (Side.Device, device);
        if (host is not null && plan.Storages.Concat(plan.States).Any(s => s.Side == Side.Host))
        {
            yield return (Side.Host, host);
        }
    }

    private static SideMemory MemoryOf(Plan plan, Side side, Device device, Bindings maxima)
    {
        Storage[] storages = [.. plan.Storages.Where(s => s.Side == side)];
        long Bytes(IEnumerable<Storage> all) => all.Sum(s => s.Bytes(maxima, device.Capabilities));
        return new(
            side,
            ArenaPlanner.Assign(storages, device, maxima).Sum(),
            Bytes(storages.Where(s => s.Last >= 0)),
            Bytes(plan.States.Where(s => s.Side == side)),
            PackedConstants(plan, side).Sum(p => p.Bytes));
    }

    /// <summary>
    /// Constants that are packed together, and an upper bound of the device bytes that this takes; ops that read the same ones share them.
    /// </summary>
    internal static IEnumerable<(IEnumerable<string> Names, long Bytes)> PackedConstants(Plan plan, Side side) =>
        plan.Steps.OfType<LaunchStep>().Where(l => l.Side == side)
            .GroupBy(l => string.Join(',', l.Constants.Select(c => c?.Name)))
            .Select(g => (g.First().Constants.OfType<ConstantOperand>().Select(c => c.Name), g.Max(l => l.ConstantBytes)));
}
