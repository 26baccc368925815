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
    /// What the kernels pack; or, if that is more, the generated constants, for which a device that packs nothing has to find memory.
    /// </summary>
    private static long Weights(Plan plan, Side side, Func<string, ConstantData> constants)
    {
        long generated = plan.Steps.OfType<LaunchStep>().Where(l => l.Side == side)
            .SelectMany(l => l.Constants).OfType<ConstantOperand>().Select(c => constants(c.Name))
            .Where(c => c.Generator is not null).DistinctBy(c => c.Identity).Sum(c => c.Bytes);
        return Math.Max(PlanSummary.ConstantBytes(plan, side), generated);
    }
}
