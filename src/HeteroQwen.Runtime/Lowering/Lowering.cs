using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// Lowers a graph for a device and the host behind it. A block that the device does not support is opened. An inner composite is
/// kept if supported, decomposed if the device then runs all of it, else it goes to the host whole. Host work needs consent.
/// </summary>
public sealed class Lowering
{
    private readonly SessionOptions _options;
    private readonly OpOffers _device;
    private readonly OpOffers? _host;
    private readonly GraphBuilder _builder;
    private readonly Dictionary<string, Placement> _placements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Expansion> _expansions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Name, ElementType To), Value> _expanded = [];
    private readonly HashSet<string> _opened = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _refused = new(StringComparer.Ordinal);

    private Lowering(Graph graph, Device device, Device? host, SessionOptions options)
    {
        _options = options;
        _device = new(device, options);
        _host = options.AllowHostFallback && host is not null && host != device ? new(host, options) : null;
        _builder = new(graph.Name);
    }

    /// <summary>Lowers <paramref name="graph"/>; nothing is prepared or allocated.</summary>
    /// <exception cref="HostFallbackException">The host would have to run something, without consent.</exception>
    public static LoweredGraph Lower(Graph graph, Device device, Device? host, SessionOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        if (!device.Capabilities.Precisions.Contains(options.Precision))
        {
            string offered = string.Join(", ", device.Capabilities.Precisions).ToLowerInvariant();
            throw new UserErrorException(
                $"{device.Id} does not offer --precision {options.Precision.ToString().ToLowerInvariant()}; it offers {offered}");
        }

        return new Lowering(graph, device, host, options).Run(DeadCodeElimination.Run(graph));
    }

    private LoweredGraph Run(Graph graph)
    {
        Dictionary<Value, Value> map = _builder.DeclareLike(graph);
        foreach (Operation operation in graph.Operations)
        {
            _builder.Scope = operation.Results[0].Name;
            ImmutableArray<Value> results = Lower(operation.Definition, [.. operation.Operands.Select(o => map[o])], operation.Attributes);
            for (int i = 0; i < results.Length; i++)
            {
                map[operation.Results[i]] = results[i];
            }
        }

        foreach (GraphOutput output in graph.Outputs)
        {
            _builder.Output(output.Name, map[output.Value]);
        }

        Graph lowered = DeadCodeElimination.Run(CommonSubexpressionElimination.Run(_builder.Build()));
        new StatePlacement(lowered, _placements, _host, Refuse).Run();
        if (_refused.Count > 0)
        {
            throw new HostFallbackException(_device.Device.Id, [.. _refused.Select(r => (r.Key, r.Value))]);
        }

        return new(lowered, _placements, _expansions, _opened);
    }

    private ImmutableArray<Value> Lower(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes)
    {
        if (definition.Class == OpClass.View)
        {
            return _builder.Emit(definition, operands, attributes);
        }

        (operands, attributes) = WithoutEmpty(definition, operands, attributes);
        bool empty = operands.Any(HasEmptyDim);
        bool keepable = (definition.Class != OpClass.Block || _options.Fuse) && !(empty && definition.Class > OpClass.Primitive);
        ImmutableArray<Value> readable = Readable(_device, operands);
        Support answer = keepable ? _device.Ask(definition, readable, attributes) : Support.No("opened");
        if (answer.IsSupported)
        {
            return Place(definition, readable, attributes, new(Side.Device, null));
        }

        if (definition.Class == OpClass.Block || (definition.Class == OpClass.Inner && (empty || RunsWhole(definition, operands, attributes))))
        {
            return Open(definition, operands, attributes, Lower);
        }

        return LowerOnHost(definition, operands, attributes, answer.Reason ?? "no reason given");
    }

    private ImmutableArray<Value> LowerOnHost(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes, string reason)
    {
        if (_host is null)
        {
            Refuse(definition.Name, reason);
            return Place(definition, operands, attributes, new(Side.Host, reason));
        }

        ImmutableArray<Value> readable = Readable(_host, operands);
        Support answer = _host.Ask(definition, readable, attributes);
        if (answer.IsSupported)
        {
            return Place(definition, readable, attributes, new(Side.Host, reason));
        }

        if (definition.Class <= OpClass.Primitive)
        {
            Refuse(definition.Name, $"{reason}; nor does {_host.Device.Id}: {answer.Reason}");
            return Place(definition, operands, attributes, new(Side.Host, reason));
        }

        return Open(definition, operands, attributes, (inner, values, attrs) => inner.Class == OpClass.View
            ? _builder.Emit(inner, values, attrs)
            : LowerOnHost(inner, values, attrs, reason));
    }

    /// <summary>Decomposes aside, then lowers each operation of the decomposition in turn.</summary>
    private ImmutableArray<Value> Open(
        OpDefinition definition,
        ImmutableArray<Value> operands,
        Attributes attributes,
        Func<OpDefinition, ImmutableArray<Value>, Attributes, ImmutableArray<Value>> lower)
    {
        string scope = _builder.Scope;
        _opened.Add(definition.Name);
        (Graph aside, ImmutableArray<Value> standIns, ImmutableArray<Value> asideResults) = Decomposed(definition, operands, attributes);
        Dictionary<Value, Value> map = [];
        for (int i = 0; i < operands.Length; i++)
        {
            map[standIns[i]] = operands[i];
        }

        foreach (Operation operation in aside.Operations)
        {
            _builder.Scope = $"{scope}.{operation.Definition.Name}";
            ImmutableArray<Value> results = lower(operation.Definition, [.. operation.Operands.Select(o => map[o])], operation.Attributes);
            for (int i = 0; i < results.Length; i++)
            {
                map[operation.Results[i]] = results[i];
            }
        }

        _builder.Scope = scope;
        return [.. asideResults.Select(r => map[r])];
    }

    /// <summary>True if the device runs each operation of the decomposition, kept or decomposed in turn.</summary>
    private bool RunsWhole(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes)
    {
        Graph aside = Decomposed(definition, operands, attributes).Graph;
        return aside.Operations.All(o => o.Definition.Class == OpClass.View
            || _device.Ask(o.Definition, Readable(_device, o.Operands, declare: false), o.Attributes).IsSupported
            || (o.Definition.Class == OpClass.Inner && RunsWhole(o.Definition, o.Operands, o.Attributes)));
    }

    private static (Graph Graph, ImmutableArray<Value> StandIns, ImmutableArray<Value> Results) Decomposed(
        OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes)
    {
        GraphBuilder aside = new("aside");
        ImmutableArray<Value> standIns = [.. operands.Select((o, i) => o.State is not null ? aside.State($"o{i}", o.Type)
            : o.Kind == ValueKind.Constant ? aside.Constant($"o{i}", o.Type)
            : aside.Input($"o{i}", o.Type))];
        ImmutableArray<Value> results = definition.Decompose(aside, standIns, attributes);
        return (aside.Build(), standIns, results);
    }

    private ImmutableArray<Value> Place(OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes, Placement placement)
    {
        ImmutableArray<Value> results = _builder.Emit(definition, operands, attributes);
        _placements[results[0].Name] = placement;
        return results;
    }

    /// <summary>The operands, with constants whose type the device does not read as expanded ones.</summary>
    private ImmutableArray<Value> Readable(OpOffers offers, ImmutableArray<Value> operands, bool declare = true)
    {
        Capabilities capabilities = offers.Device.Capabilities;
        ElementType to = _options.Precision == Precision.Exact ? ElementType.F32 : capabilities.FastExpansion;
        return [.. operands.Select(o => o.Kind != ValueKind.Constant || capabilities.Types.Contains(o.Type.Element) ? o
            : declare ? Expanded(o, to)
            : new GraphBuilder("aside").Constant(o.Name, o.Type with { Element = to }))];
    }

    private Value Expanded(Value constant, ElementType to)
    {
        if (!_expanded.TryGetValue((constant.Name, to), out Value? value))
        {
            string name = $"{constant.Name}.as_{to.Name()}";
            value = _builder.Constant(name, constant.Type with { Element = to });
            _expanded.Add((constant.Name, to), value);
            _expansions.Add(name, new(constant.Name, to));
        }

        return value;
    }

    /// <summary>An empty operand of a concat is left out; the last one stays, so that the result keeps its shape.</summary>
    private static (ImmutableArray<Value> Operands, Attributes Attributes) WithoutEmpty(
        OpDefinition definition, ImmutableArray<Value> operands, Attributes attributes)
    {
        if (definition is not Copy || operands.Length == 1)
        {
            return (operands, attributes);
        }

        int axis = (int)attributes.Int64("axis");
        ImmutableArray<Value> full = [.. operands.Where(o => o.Type.Shape[axis] != 0)];
        full = full.Length > 0 ? full : [operands[0]];
        return (full, full.Length > 1 ? attributes : new(("to", attributes.Text("to"))));
    }

    private static bool HasEmptyDim(Value value) => value.Type.Shape.Dims.Contains(0);

    private void Refuse(string op, string reason) => _refused.TryAdd(op, reason);
}
