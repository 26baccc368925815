using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Refuses what does not fit before anything is allocated.</summary>
internal static class MemoryCheck
{
    /// <exception cref="UserErrorException">A side needs more than it has; the message has both numbers.</exception>
    public static void Require(Plan plan, Device device, Device? host, in Bindings maxima)
    {
        Liveness.Compute(plan, _ => null);
        Require(plan, Side.Device, device, maxima);
        if (host is not null)
        {
            Require(plan, Side.Host, host, maxima);
        }
    }

    private static void Require(Plan plan, Side side, Device device, Bindings maxima)
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
        long constants = plan.Steps.OfType<LaunchStep>().Where(l => l.Side == side)
            .GroupBy(l => string.Join(',', l.Constants.Select(c => c?.Name)))
            .Sum(g => g.Max(l => l.ConstantBytes));
        long needed = checked(states + arena + constants);
        if (capabilities.MemoryBytes > 0 && needed > capabilities.MemoryBytes)
        {
            throw new UserErrorException(
                $"{device.Id} has {capabilities.MemoryBytes} bytes and {needed} are needed ({constants} weights, {states} KV pool, {arena} activations); "
                + "use a smaller context (-c) or a smaller model");
        }
    }
}
