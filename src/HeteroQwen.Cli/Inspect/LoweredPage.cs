using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>What each operation of a graph became on a device: kept, opened, or sent to the host and why.</summary>
internal sealed partial class LoweredPage
{
    private readonly EngineGraph _model;
    private readonly LoweredGraph _lowered;
    private readonly PlanSummary _plan;
    private readonly string _device;
    private readonly List<(Operation Source, List<Operation> Became)> _groups = [];

    public LoweredPage(EngineGraph model, LoweredGraph lowered, PlanSummary plan, string device)
    {
        (_model, _lowered, _plan, _device) = (model, lowered, plan, device);
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
        WriteMemory(terminal);
        WriteInserted(page);
        WriteGroups(page);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject("lowered");
        json.WriteString("device", _device);
        json.WriteNumber("kernels", Kernels.Count());
        json.WriteNumber("views", Views);
        json.WriteNumber("kernels_from_resident", KernelsFromResident);
        WriteJsonMemory(json);
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

    private void WriteMemory(Terminal terminal)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine($"Memory of a session with steps of up to {_model.Session.Maxima.T} tokens and a KV pool of {_model.Kv.Type.Name()}:");
        TextTable table = new("side", "activations>", "unshared>", "KV pool>", "packed weights>");
        foreach (SideMemory memory in _plan.Memory)
        {
            string side = memory.Side == Side.Device ? _device : "host";
            table.Add(side, Units.Bytes(memory.Arena), Units.Bytes(memory.Values), Units.Bytes(memory.States), Units.Bytes(memory.Constants));
        }

        table.Write(terminal);
    }

    /// <summary>Copies and transfers that planning put between the kernels.</summary>
    private void WriteInserted(TextWriter page)
    {
        page.WriteLine();
        page.WriteLine(_plan.Inserted.IsEmpty ? "No copies and no transfers had to be put in." : "Put in between the kernels, bytes of the largest step:");
        foreach (InsertedStep step in _plan.Inserted)
        {
            page.WriteLine($"  {step.What,-10} %{step.Label}  {Units.Bytes(step.Bytes)}");
        }
    }

    private void WriteJsonMemory(Utf8JsonWriter json)
    {
        json.WriteStartArray("memory");
        foreach (SideMemory memory in _plan.Memory)
        {
            json.WriteStartObject();
            json.WriteString("side", memory.Side.ToString().ToLowerInvariant());
            json.WriteNumber("activation_bytes", memory.Arena);
            json.WriteNumber("activation_bytes_unshared", memory.Values);
            json.WriteNumber("kv_bytes", memory.States);
            json.WriteNumber("packed_weight_bytes", memory.Constants);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("inserted");
        foreach (InsertedStep step in _plan.Inserted)
        {
            json.WriteStartObject();
            json.WriteString("name", step.Label);
            json.WriteString("what", step.What);
            json.WriteNumber("bytes", step.Bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
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
