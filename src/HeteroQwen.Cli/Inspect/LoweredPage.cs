using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>What each operation of a graph became on a device: kept, opened, or sent to the host and why.</summary>
internal sealed partial class LoweredPage
{
    private readonly ModelGraph _model;
    private readonly LoweredGraph _lowered;
    private readonly string _device;
    private readonly List<(Operation Source, List<Operation> Became)> _groups = [];

    public LoweredPage(ModelGraph model, LoweredGraph lowered, string device)
    {
        (_model, _lowered, _device) = (model, lowered, device);
        foreach (Operation source in model.Graph.Operations)
        {
            _groups.Add((source, []));
        }

        int at = 0;
        foreach (Operation operation in lowered.Graph.Operations)
        {
            // Operations come in the order of what they were made of, and carry its name in theirs.
            int found = _groups.FindIndex(at, g => IsPartOf(operation, g.Source));
            at = found < 0 ? at : found;
            _groups[at].Became.Add(operation);
        }
    }

    private IEnumerable<Operation> Kernels => _lowered.Graph.Operations.Where(o => o.Definition.Class != OpClass.View);

    private IEnumerable<(string Op, string Where, int Count)> Counts => Kernels
        .GroupBy(o => (Op: o.Definition.Name, Where: Where(o)))
        .OrderByDescending(g => g.Count()).ThenBy(g => g.Key.Op, StringComparer.Ordinal)
        .Select(g => (g.Key.Op, g.Key.Where, g.Count()));

    private int Views => _lowered.Graph.Operations.Length - Kernels.Count();

    private int KernelsFromResident => _lowered.HostOperations.Select(o => o.Definition.Name).Distinct().Count();

    public void Write(Terminal terminal, string title)
    {
        TextWriter page = terminal.Out;
        page.WriteLine(VisibleText.OneLine(title));
        page.WriteLine($"{_groups.Count} operations became {Kernels.Count()} kernels and {Views} views; {Residency()}");
        page.WriteLine();
        TextTable counts = new("op", "runs on", "kernels>");
        foreach ((string op, string where, int count) in Counts)
        {
            counts.Add(op, where, $"{count}");
        }

        counts.Write(terminal);
        WriteGroups(page);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject("lowered");
        json.WriteString("device", _device);
        json.WriteNumber("kernels", Kernels.Count());
        json.WriteNumber("views", Views);
        json.WriteNumber("kernels_from_resident", KernelsFromResident);
        json.WriteStartArray("operations");
        foreach ((Operation source, List<Operation> became) in _groups)
        {
            foreach (Operation operation in became)
            {
                json.WriteStartObject();
                json.WriteString("name", operation.Results[0].Name);
                json.WriteString("op", operation.Definition.Name);
                json.WriteString("from", source.Definition.Name);
                bool view = operation.Definition.Class == OpClass.View;
                json.WriteString("side", view ? "view" : _lowered.PlacementOf(operation).Side.ToString().ToLowerInvariant());
                json.WriteString("reason", _lowered.PlacementOf(operation).Reason);
                json.WriteString("type", operation.Results[0].Type.ToString());
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Every operation and what it became; layers that came out alike are shown once.</summary>
    private void WriteGroups(TextWriter page)
    {
        Dictionary<string, string> shown = new(StringComparer.Ordinal);
        foreach ((Operation source, List<Operation> became) in _groups)
        {
            string text = TextOf(source, became);
            string name = source.Results[0].Name;
            page.WriteLine();
            if (shown.TryGetValue(Number().Replace(text, ".*."), out string? first))
            {
                page.WriteLine($"{source.Definition.Name} %{name}: as %{first}");
                continue;
            }

            shown.Add(Number().Replace(text, ".*."), name);
            page.Write(text);
        }
    }

    private string TextOf(Operation source, List<Operation> became)
    {
        string name = source.Results[0].Name;
        bool kept = became is [var only] && only.Definition == source.Definition;
        StringBuilder text = new();
        string fate = kept ? $"kept, on {Where(became[0])}" : "opened into";
        text.Append(CultureInfo.InvariantCulture, $"{source.Definition.Name} %{name} : {source.Results[0].Type} {fate}\n");
        foreach (Operation operation in kept ? [] : became)
        {
            string part = operation.Results[0].Name;
            part = part.StartsWith(name + ".", StringComparison.Ordinal) ? part[(name.Length + 1)..] : part;
            text.Append(
                CultureInfo.InvariantCulture,
                $"  {operation.Definition.Name,-14}{part,-34} {operation.Results[0].Type,-28} {Where(operation)}\n");
        }

        return text.ToString();
    }

    private string Residency() => KernelsFromResident == 0
        ? $"all run on {_device}"
        : $"{_lowered.HostOperations.Count()} run on the host: {FallbackNotes.Resident(KernelsFromResident)}";

    private string Where(Operation operation)
    {
        Placement placement = _lowered.PlacementOf(operation);
        return operation.Definition.Class == OpClass.View ? "view"
            : placement.Side == Side.Device ? _device
            : $"host: {placement.Reason}";
    }

    private static bool IsPartOf(Operation operation, Operation source)
    {
        string name = source.Results[0].Name;
        string own = operation.Results[0].Name;
        return own == name || own.StartsWith(name + ".", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\.[0-9]+\.")]
    private static partial Regex Number();
}
