using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Groups the host's operations by op and reason, with their share of the plan's work.</summary>
internal sealed class LedgerBuilder
{
    private readonly LoweredGraph _lowered;
    private readonly Dictionary<(string Op, string Reason), LedgerRow> _rows = [];

    public LedgerBuilder(LoweredGraph lowered, Bindings maxima)
    {
        _lowered = lowered;
        double all = Math.Max(1, lowered.Graph.Operations.Sum(o => Flops(o, maxima)));
        foreach (var group in lowered.HostOperations.GroupBy(o => (o.Definition.Name, lowered.PlacementOf(o).Reason ?? "")))
        {
            LedgerRow row = new(group.Key.Name, group.Key.Item2, group.Count(), group.Sum(o => Flops(o, maxima)) / all);
            _rows.Add(group.Key, row);
            Ledger.Add(row);
        }
    }

    public Ledger Ledger { get; } = new();

    public static double Flops(Operation operation, in Bindings bindings) =>
        operation.Definition.Flops([.. operation.Operands.Select(o => o.Type)], operation.Attributes, bindings);

    public LedgerRow? RowOf(Operation operation) =>
        _rows.GetValueOrDefault((operation.Definition.Name, _lowered.PlacementOf(operation).Reason ?? ""));

    /// <summary>The line of a copy that planning had to give to the host.</summary>
    public LedgerRow RowOf(string op, string reason)
    {
        if (!_rows.TryGetValue((op, reason), out LedgerRow? row))
        {
            row = new(op, reason, 1, 0);
            _rows.Add((op, reason), row);
            Ledger.Add(row);
        }

        return row;
    }
}
