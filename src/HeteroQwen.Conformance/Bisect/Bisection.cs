using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>The first op whose result is beyond its bound.</summary>
/// <param name="Step">The step: 0 is the prefill.</param>
/// <param name="Operation">The op in the lowered graph.</param>
/// <param name="Op">The op with its operands.</param>
/// <param name="Fault">What is wrong; null where the backend failed or refused rather than computed wrongly.</param>
/// <param name="Failure">What the backend said when it failed.</param>
internal sealed record Divergence(int Step, Operation Operation, SingleOp Op, OpFault? Fault, string? Failure);

/// <summary>
/// Runs a text through a model op by op: each op of the lowered graph alone on the device, waited for, and its results compared with
/// float64 on the device's own operands. So errors do not accumulate, and the first op that is wrong is the one at fault.
/// </summary>
internal sealed unsafe class Bisection : IDisposable
{
    private readonly IModelSource _model;
    private readonly Device _device;
    private readonly Device? _host;
    private readonly LoweredGraph _lowered;
    private readonly EngineGraph _opened;
    private readonly StepText _text;
    private readonly Dictionary<Value, OpTensor> _states = [];
    private readonly Dictionary<string, ConstantData> _expanded = new(StringComparer.Ordinal);

    public Bisection(IModelSource model, Device device, Device? host, EngineOptions options, int[] tokens, int prefill)
    {
        (_model, _device, _host) = (model, device, host);
        _opened = new EngineGraph(model, device, options);
        _lowered = Lowering.Lower(_opened.Graph, device, host, _opened.Session);
        _text = new StepText(model.Config, _opened.Kv, tokens, prefill);
    }

    /// <summary>Ops compared so far.</summary>
    public int Compared { get; private set; }

    /// <summary>Names of ops that the host ran.</summary>
    public IReadOnlyList<string> OnHost => [.. _lowered.HostOperations.Select(o => o.Definition.Name).Distinct()];

    /// <summary>Whether the device keeps blocks of this lowering.</summary>
    public bool HasBlocks => _lowered.Graph.Operations.Any(o => o.Definition.Class == OpClass.Block);

    /// <summary>The first op that is wrong; null if none is.</summary>
    /// <param name="progress">Is told of each step and layer.</param>
    /// <param name="cancellation">Ends the run between ops.</param>
    public Divergence? Run(Action<int, Operation> progress, CancellationToken cancellation)
    {
        foreach (Value state in _lowered.Graph.States)
        {
            _states[state] = new(state.Type, TensorRole.State, new byte[state.Type.Bytes(default)]);
        }

        for (int step = 0; step < _text.Steps; step++)
        {
            if (Step(step, progress, cancellation) is { } divergence)
            {
                return divergence;
            }
        }

        return null;
    }

    public void Dispose()
    {
        foreach (ConstantData data in _expanded.Values)
        {
            NativeMemory.Free((void*)data.Ranges[0].Address);
        }

        _expanded.Clear();
    }

    private Divergence? Step(int step, Action<int, Operation> progress, CancellationToken cancellation)
    {
        Bindings bindings = _text.Bindings(step);
        Dictionary<Value, OpTensor> values = new(_states);
        foreach (Value input in _lowered.Graph.Inputs)
        {
            values[input] = _text.Input(input, step);
        }

        foreach (Value constant in _lowered.Graph.Constants)
        {
            values[constant] = new(constant.Type, TensorRole.Constant, []) { Source = Constant(constant) };
        }

        foreach (Operation operation in _lowered.Graph.Operations)
        {
            cancellation.ThrowIfCancellationRequested();
            progress(step, operation);
            if (operation.Definition.Class == OpClass.View)
            {
                values[operation.Results[0]] = HostViews.Take(operation, values[operation.Operands[0]], bindings);
            }
            else if (Launch(step, operation, values, bindings) is { } divergence)
            {
                return divergence;
            }
        }

        return null;
    }

    private Divergence? Launch(int step, Operation operation, Dictionary<Value, OpTensor> values, Bindings bindings)
    {
        bool onHost = _lowered.PlacementOf(operation).Side == Side.Host;
        Device device = onHost ? _host! : _device;
        (SingleOp op, string? refusal) = new SingleOp(
            operation.Definition, operation.Attributes, [.. operation.Operands.Select(o => values[o])], bindings, _opened.Session.Maxima,
            _opened.Session.Precision).AsAsked(device);
        if (refusal is not null)
        {
            return new Divergence(step, operation, op, null, $"the device took the op when the graph was lowered and refuses it now: {refusal}");
        }

        byte[][] results;
        try
        {
            results = op.Launch(device);
        }
        catch (RefusedException e) when (!onHost)
        {
            return new Divergence(step, operation, op, null, e.Message);
        }

        if (!onHost)
        {
            Compared++;
            if (op.Judge(results, _device.Capabilities) is { } fault)
            {
                return new Divergence(step, operation, op, fault, null);
            }
        }

        Keep(operation, values, results);
        return null;
    }

    private void Keep(Operation operation, Dictionary<Value, OpTensor> values, byte[][] results)
    {
        for (int i = 0; i < results.Length; i++)
        {
            Value result = operation.Results[i];
            TensorRole role = result.State is null ? TensorRole.Result : TensorRole.State;
            values[result] = new(result.Type, role, results[i]);
            if (result.State is not null)
            {
                _states[result.State] = values[result];
            }
        }
    }

    /// <summary>A constant of the model, or of one that the device cannot read the type to which lowering has it expanded.</summary>
    private ConstantData Constant(Value constant)
    {
        if (_model.Names.Contains(constant.Name))
        {
            return _model.Get(constant.Name);
        }

        if (!_expanded.TryGetValue(constant.Name, out ConstantData? data))
        {
            string source = constant.Name[..constant.Name.LastIndexOf(".as_", StringComparison.Ordinal)];
            ConstantData packed = _model.Get(source);
            OpTensor read = new(new(packed.Type, new Shape(packed.Shape.Select(d => (Dim)d))), TensorRole.Constant, []) { Source = packed };
            byte[] bytes = ElementCodec.Encode(constant.Type.Element, read.ToPlain(default).Values);
            nint memory = (nint)NativeMemory.Alloc((nuint)Math.Max(1, bytes.Length));
            Marshal.Copy(bytes, 0, memory, bytes.Length);
            data = new ConstantData(constant.Name, constant.Type.Element, packed.Shape, [new ByteRange(memory, bytes.Length)]);
            _expanded.Add(constant.Name, data);
        }

        return data;
    }
}
