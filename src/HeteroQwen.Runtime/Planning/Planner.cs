using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// Turns a lowered graph into steps: each value gets a storage on the side that computes it, views become strides, and copies and
/// transfers are put in where a kernel cannot take what there is.
/// </summary>
internal sealed class Planner
{
    private readonly LoweredGraph _lowered;
    private readonly SessionOptions _options;
    private readonly OpOffers _device;
    private readonly OpOffers? _host;
    private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
    private readonly List<InputUse> _inputs = [];
    private readonly List<Storage> _states = [];
    private readonly List<Storage> _storages = [];
    private readonly Dictionary<(Value, Side), TensorView> _views = [];
    private readonly Dictionary<(Value, Side), TensorView> _dense = [];
    private readonly Dictionary<Value, Side> _home = [];
    private readonly Dictionary<Value, LedgerRow?> _producers = [];
    private readonly LedgerBuilder _ledger;

    private Planner(LoweredGraph lowered, Device device, Device? host, SessionOptions options)
    {
        _lowered = lowered;
        _options = options;
        _device = new(device, options);
        _host = host is null ? null : new(host, options);
        _ledger = new(lowered, options.Maxima);
    }

    public static Plan Build(LoweredGraph lowered, Device device, Device? host, SessionOptions options) =>
        new Planner(lowered, device, host, options).Run();

    private Plan Run()
    {
        Graph graph = _lowered.Graph;
        PlaceStates(graph);
        foreach (Operation operation in graph.Operations.Where(o => o.Definition.Class != OpClass.View))
        {
            Plan(operation);
        }

        var outputs = ImmutableArray.CreateBuilder<OutputUse>();
        foreach (GraphOutput output in graph.Outputs)
        {
            outputs.Add(new(output.Name, Dense(output.Value, HomeOf(output.Value), null)));
        }

        return new(_steps.ToImmutable(), [.. _inputs], outputs.ToImmutable(), [.. _states], [.. _storages], _ledger.Ledger);
    }

    private void PlaceStates(Graph graph)
    {
        foreach (Value state in graph.States)
        {
            Operation? user = graph.Operations.FirstOrDefault(o => o.Operands.Any(v => v.State == state));
            Side side = user is null ? Side.Device : _lowered.PlacementOf(user).Side;
            Storage storage = new(side, StorageKind.State, state.Name, state.Type, CapabilitiesOf(side));
            _home[state] = side;
            _states.Add(storage);
            _views[(state, side)] = TensorView.Of(storage);
        }
    }

    private void Plan(Operation operation)
    {
        Placement placement = _lowered.PlacementOf(operation);
        Side side = placement.Side;
        LedgerRow? row = _ledger.RowOf(operation);
        Support support = OffersOf(side).Ask(operation.Definition, operation.Operands, operation.Attributes);
        ulong strided = 0;
        var views = ImmutableArray.CreateBuilder<TensorView?>();
        var constants = ImmutableArray.CreateBuilder<ConstantOperand?>();
        for (int i = 0; i < operation.Operands.Length; i++)
        {
            Value operand = operation.Operands[i];
            ConstantOperand? constant = AsConstant(operand);
            constants.Add(constant);
            TensorView? view = constant is not null ? null : Operand(operand, side, (support.StridedOperands >> i & 1) != 0, row);
            views.Add(view);
            strided |= view is not null && !view.IsDense(CapabilitiesOf(side).RowMultiple) ? 1UL << i : 0;
        }

        for (int i = 0; i < operation.Results.Length; i++)
        {
            views.Add(ResultView(operation, i, side));
            _producers[operation.Results[i]] = row;
        }

        _steps.Add(new LaunchStep
        {
            Side = side,
            Label = operation.Results[0].Name,
            Definition = operation.Definition,
            Descriptor = OpOffers.Describe(operation.Definition, operation.Operands, operation.Attributes, _options, strided),
            Views = views.ToImmutable(),
            Constants = constants.ToImmutable(),
            Inputs = [.. operation.Operands.Select(AsInput)],
            Flops = LedgerBuilder.Flops(operation, _options.Maxima),
            ConstantBytes = support.ConstantBytes,
            Row = row,
        });
    }

    private TensorView ResultView(Operation operation, int index, Side side)
    {
        Value result = operation.Results[index];
        foreach ((int operand, int updated) in operation.Definition.StateUpdates)
        {
            if (updated == index)
            {
                return _views[(result, side)] = ViewOf(operation.Operands[operand], side, null);
            }
        }

        _home[result] = side;
        return _views[(result, side)] = TensorView.Of(NewStorage(side, result.Name, result.Type));
    }

    private TensorView Operand(Value value, Side side, bool takesStrides, LedgerRow? row)
    {
        TensorView view = ViewOf(value, side, row);
        return takesStrides && view.IsAligned(CapabilitiesOf(side).Alignment) ? view : Dense(value, side, row);
    }

    /// <summary>The value over a storage of that side; transfers and copies are added where there is none yet.</summary>
    private TensorView ViewOf(Value value, Side side, LedgerRow? row)
    {
        if (_views.TryGetValue((value, side), out TensorView? view))
        {
            return view;
        }

        if (value.Producer?.Definition.Class == OpClass.View)
        {
            Value source = value.Producer.Operands[0];
            view = ViewOf(source, side, row).Apply(value.Producer) ?? Dense(source, side, row).Apply(value.Producer)
                ?? MergedRows(value, source, side, row);
        }
        else if (value.Kind == ValueKind.Input)
        {
            Storage storage = NewStorage(side, value.Name, value.Type);
            _inputs.Add(new(value.Name, side, storage));
            view = TensorView.Of(storage);
        }
        else
        {
            view = Transfer(ViewOf(value, HomeOf(value), row).Storage, side, row ?? _producers.GetValueOrDefault(value));
        }

        return _views[(value, side)] = view;
    }

    /// <summary>The value row-major with that side's rows, copied if it is not so yet.</summary>
    private TensorView Dense(Value value, Side side, LedgerRow? row)
    {
        TensorView view = ViewOf(value, side, row);
        Capabilities capabilities = CapabilitiesOf(side);
        if (view.IsDense(capabilities.RowMultiple) && view.IsAligned(capabilities.Alignment))
        {
            return view;
        }

        if (!_dense.TryGetValue((value, side), out TensorView? dense))
        {
            dense = CopyOf([view], value, new(("to", value.Type.Element.Name())), side, row);
            _dense.Add((value, side), dense);
        }

        return dense;
    }

    /// <summary>
    /// A reshape that joins the last two dimensions where rows are padded: no strides express it, so the slices of the last but
    /// one are joined by a copy.
    /// </summary>
    private TensorView MergedRows(Value value, Value source, Side side, LedgerRow? row)
    {
        ImmutableArray<Dim> dims = source.Type.Shape.Dims;
        ImmutableArray<Dim> merged = value.Type.Shape.Dims;
        bool joins = dims.Length == merged.Length + 1 && dims.Take(dims.Length - 2).SequenceEqual(merged.Take(merged.Length - 1))
            && dims[^2].IsConstant && dims[^2].Constant is > 1 and <= 64;
        if (!joins)
        {
            throw new UserErrorException($"no strides express %{value.Name}, a reshape of {source.Type} to {value.Type}, where rows are padded");
        }

        TensorView whole = ViewOf(source, side, row);
        int axis = dims.Length - 2;
        ImmutableArray<TensorView> slices =
        [
            .. Enumerable.Range(0, (int)dims[axis].Constant).Select(h => whole with
            {
                Dims = dims.RemoveAt(axis),
                Strides = whole.Strides.RemoveAt(axis),
                Starts = whole.Starts.Add((h, whole.Strides[axis])),
            }),
        ];
        return CopyOf(slices, value, new(("axis", (long)axis), ("to", value.Type.Element.Name())), side, row);
    }

    private TensorView CopyOf(ImmutableArray<TensorView> sources, Value value, Attributes attributes, Side side, LedgerRow? row)
    {
        GraphBuilder aside = new("aside");
        ImmutableArray<Value> operands =
            [.. sources.Select((s, i) => aside.Emit(Copy.Instance, [aside.Input($"i{i}", new(s.Storage.Type.Element, new Shape(s.Dims.AsSpan())))],
                new(("to", s.Storage.Type.Element.Name())))[0])];
        Support support = OffersOf(side).Ask(Copy.Instance, operands, attributes);
        ulong all = sources.Length == 64 ? ulong.MaxValue : (1UL << sources.Length) - 1;
        if (!support.IsSupported || (support.StridedOperands & all) != all)
        {
            return CopyOnHost(value, side, support.Reason ?? "it takes no strided operand");
        }

        TensorView result = TensorView.Of(NewStorage(side, $"{value.Name}.dense", value.Type));
        _steps.Add(new LaunchStep
        {
            Side = side,
            Label = $"{value.Name}.dense",
            Definition = Copy.Instance,
            Descriptor = OpOffers.Describe(Copy.Instance, operands, attributes, _options, all),
            Views = [.. sources, result],
            Constants = [.. sources.Select(_ => (ConstantOperand?)null)],
            Inputs = [.. sources.Select(_ => (string?)null)],
            Flops = 0,
            Row = row,
        });
        return result;
    }

    /// <summary>The device has no copy that would make the value dense: the host makes it.</summary>
    private TensorView CopyOnHost(Value value, Side side, string reason)
    {
        if (side == Side.Host || _host is null || !_options.AllowHostFallback)
        {
            throw new HostFallbackException(OffersOf(side).Device.Id, [("copy", reason)]);
        }

        LedgerRow row = _ledger.RowOf("copy", reason);
        return Transfer(Dense(value, Side.Host, row).Storage, side, row);
    }

    private TensorView Transfer(Storage from, Side to, LedgerRow? row)
    {
        Storage storage = NewStorage(to, from.Name, from.Type);
        _steps.Add(new TransferStep { From = from, To = storage, Row = row });
        return TensorView.Of(storage);
    }

    private Storage NewStorage(Side side, string name, TensorType type)
    {
        Storage storage = new(side, StorageKind.Arena, name, type, CapabilitiesOf(side));
        _storages.Add(storage);
        return storage;
    }

    private Side HomeOf(Value value)
    {
        Value root = value;
        while (root.Producer?.Definition.Class == OpClass.View)
        {
            root = root.Producer.Operands[0];
        }

        return _home.GetValueOrDefault(root.State ?? root, Side.Device);
    }

    private static ConstantOperand? AsConstant(Value value)
    {
        Value root = OpOffers.ThroughReshapes(value);
        return root.Kind == ValueKind.Constant ? new(root.Name, value.Type) : null;
    }

    private static string? AsInput(Value value)
    {
        Value root = OpOffers.ThroughReshapes(value);
        return root.Kind == ValueKind.Input ? root.Name : null;
    }

    private OpOffers OffersOf(Side side) => side == Side.Device ? _device : _host ?? throw new InvalidOperationException("no host");

    private Capabilities CapabilitiesOf(Side side) => OffersOf(side).Device.Capabilities;
}
