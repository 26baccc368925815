using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// A state lives in one place, where its attention runs. If any operation that touches it runs on the host, all do: moving a KV
/// pool each step would cost more than the operations that the device could still do on it.
/// </summary>
internal sealed class StatePlacement(Graph graph, Dictionary<string, Placement> placements, OpOffers? host, Action<string, string> refuse)
{
    public void Run()
    {
        HashSet<Value> onHost = [];
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach (Operation operation in graph.Operations)
            {
                var states = operation.Operands.Where(o => o.State is not null).Select(o => o.State!);
                bool isHost = placements.GetValueOrDefault(operation.Results[0].Name).Side == Side.Host;
                if (isHost)
                {
                    foreach (Value touched in states)
                    {
                        changed |= onHost.Add(touched);
                    }
                }
                else if (states.FirstOrDefault(onHost.Contains) is { } state)
                {
                    Move(operation, state);
                    changed = true;
                }
            }
        }
    }

    private void Move(Operation operation, Value state)
    {
        string reason = $"its state %{state.Name} lives on the host";
        placements[operation.Results[0].Name] = new(Side.Host, reason);
        Support answer = host?.Ask(operation.Definition, operation.Operands, operation.Attributes) ?? Support.No("no host");
        if (!answer.IsSupported)
        {
            refuse(operation.Definition.Name, $"{reason}, which does not run it: {answer.Reason}");
        }
    }
}
