using System.Text.RegularExpressions;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli.Bench;

/// <summary>
/// Where the time of a test went: its operations, those that are alike in every layer as one line, with the share of the limit that
/// each kind reaches.
/// </summary>
internal sealed partial class OpTable(BenchRow row, LoweredGraph lowered, IReadOnlyList<OpTiming> timings)
{
    private readonly Dictionary<string, Operation> _operations =
        lowered.Graph.Operations.ToDictionary(o => o.Results[0].Name, StringComparer.Ordinal);

    /// <summary>A prompt, or a token: what times are of.</summary>
    private int Units => row.Nanoseconds.Count * (row.Test.Prompt > 0 ? 1 : row.Test.Generated);

    public void Write(Terminal terminal)
    {
        double all = timings.Sum(t => t.Seconds);
        string unit = row.Test.Prompt > 0 ? "prompt" : "token";
        string mean = BenchOutput.Number(row.Nanoseconds.Sum() / 1e6 / Units, "0.000");
        terminal.Out.WriteLine();
        string inOps = BenchOutput.Number(all * 1e3 / Units, "0.000");
        terminal.Out.WriteLine(VisibleText.OneLine(
            $"{row.Test.Name} on {row.Setup.Device}: {mean} ms a {unit}, of which {inOps} ms in operations"));
        TextTable table = new("op", "value", "launches>", "ms>", "share>", "GB/s>", "GFLOP/s>", "% of roof>");
        var groups = timings.GroupBy(t => (t.Op, t.Side, Value: ValueOf(t.Label)));
        foreach (var group in groups.OrderByDescending(g => g.Sum(t => t.Seconds)))
        {
            double seconds = group.Sum(t => t.Seconds);
            Work work = group.Select(t => WorkOf(t.Label)).Aggregate(default(Work), (sum, next) => sum + next);
            (double bytes, double operations) = (work.Bytes / seconds, work.Operations / seconds);
            table.Add(
                group.Key.Op, group.Key.Side == Side.Host ? $"{group.Key.Value} (host)" : group.Key.Value,
                $"{group.Sum(t => t.Runs) / Units}", BenchOutput.Number(seconds * 1e3 / Units, "0.0000"),
                $"{BenchOutput.Number(100 * seconds / all, "0.0")} %", Rate(bytes), Rate(operations),
                row.Roof.Nearest(bytes, operations) is { Percent: > 0 } nearest
                    ? $"{BenchOutput.Number(nearest.Percent, "0.0")} {nearest.Bound}"
                    : "-");
        }

        table.Write(terminal);
    }

    private static string Rate(double perSecond) => perSecond > 0 ? BenchOutput.Billions(perSecond) : "-";

    /// <summary>The work of an operation over all repetitions; a copy that planning put in has none.</summary>
    private Work WorkOf(string label)
    {
        if (!_operations.TryGetValue(label, out Operation? operation))
        {
            return default;
        }

        Work once = row.Test.Steps(row.Setup.LargestStep)
            .Aggregate(default(Work), (sum, step) => sum + Work.Of(operation, step));
        return new(once.Operations * row.Nanoseconds.Count, once.Bytes * row.Nanoseconds.Count);
    }

    /// <summary>What an operation computes, in every layer: of products their weights, of others their results.</summary>
    private string ValueOf(string label)
    {
        Value? weights = _operations.GetValueOrDefault(label) is { Definition: Linear or MatMul } product ? product.Operands[1] : null;
        string name = weights is { Kind: ValueKind.Constant } ? weights.Name : label;
        return Layer().Replace(name, ".*.").Replace("model.", "", StringComparison.Ordinal).Replace(".weight", "", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\.[0-9]+\.")]
    private static partial Regex Layer();
}
