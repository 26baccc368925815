using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Refuses what does not fit before anything is allocated.</summary>
internal static class MemoryCheck
{
    /// <exception cref="UserErrorException">A side needs more than it has; the message has both numbers.</exception>
    public static void Require(Plan plan, Func<string, ConstantData> constants, Device device, Device? host, in Bindings maxima)
    {
        Liveness.Compute(plan, _ => null);
        Require(plan, constants, Side.Device, device, maxima);
        if (host is not null)
        {
            Require(plan, constants, Side.Host, host, maxima);
        }
    }

    private static void Require(Plan plan, Func<string, ConstantData> constants, Side side, Device device, Bindings maxima)
    {
        Capabilities capabilities = device.Capabilities;
        long states = 0;
        foreach (Storage state in plan.States.Where(s => s.Side == side))
        {
            long bytes = state.Bytes(maxima, capabilities);
            if (bytes > capabilities.LargestBuffer)
            {
                throw new UserErrorException(
                    $"{device.Id}: %{state.Name} needs a buffer of {bytes} bytes and the largest is {capabilities.LargestBuffer}; use a smaller context (-c)");
            }

            states = checked(states + bytes);
        }

        long arena = ArenaPlanner.Assign(plan.Storages.Where(s => s.Side == side), device, maxima).Sum();
        long weights = Weights(plan, side, constants);
        long needed = checked(states + arena + weights);
        if (capabilities.MemoryBytes > 0 && needed > capabilities.MemoryBytes)
        {
            throw new UserErrorException(
                $"{device.Id} has {capabilities.MemoryBytes} bytes and {needed} are needed "
                + $"({weights} weights, {states} KV pool, {arena} activations); use a smaller context (-c) or a smaller model");
        }
    }

    /// <summary>
    /// What the kernels pack. A generated constant that none packs has to find memory of its own; the pages of a mapped one are the
    /// file's, and given back once it is packed.
    /// </summary>
    private static long Weights(Plan plan, Side side, Func<string, ConstantData> constants)
    {
        long bytes = 0;
        HashSet<string> counted = new(StringComparer.Ordinal);
        foreach ((IEnumerable<string> names, long packed) in PlanSummary.PackedConstants(plan, side).OrderByDescending(p => p.Bytes))
        {
            long generated = names.Select(constants).Where(c => c.Generator is not null && counted.Add(c.Identity)).Sum(c => c.Bytes);
            bytes = checked(bytes + Math.Max(packed, generated));
        }

        return bytes;
    }
}
