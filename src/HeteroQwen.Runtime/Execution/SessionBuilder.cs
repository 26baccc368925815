using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Makes a session's parts: checks that it fits, prepares the kernels, gives out memory.</summary>
internal sealed class SessionBuilder
{
    private readonly LoweredGraph _lowered;
    private readonly Plan _plan;
    private readonly Func<string, ConstantData> _constants;
    private readonly SessionOptions _options;
    private readonly SideRuntime _device;
    private readonly SideRuntime? _host;
    private readonly ConstantExpander _expander;
    private readonly Dictionary<int, IKernel> _kernels = [];

    private SessionBuilder(
        LoweredGraph lowered,
        Plan plan,
        Func<string, ConstantData> constants,
        SideRuntime device,
        SideRuntime? host,
        ConstantExpander expander,
        SessionOptions options)
    {
        (_lowered, _plan, _constants, _options) = (lowered, plan, constants, options);
        (_device, _host, _expander) = (device, host, expander);
    }

    /// <summary>What <see cref="Session"/> is made of.</summary>
    internal sealed record Parts(
        LoweredGraph Lowered,
        Plan Plan,
        SideRuntime Device,
        SideRuntime? Host,
        object[] Steps,
        Dictionary<string, InputStaging> Inputs,
        Dictionary<string, OutputStaging> Outputs,
        HashSet<string> Read,
        ConstantExpander Expander);

    public static Parts Build(
        LoweredGraph lowered, Plan plan, Func<string, ConstantData> constants, Device device, Device? host, SessionOptions options)
    {
        bool usesHost = plan.Storages.Concat(plan.States).Any(s => s.Side == Side.Host);
        Func<string, ConstantData> sources = name => constants(lowered.Expansions.GetValueOrDefault(name)?.Source ?? name);
        MemoryCheck.Require(plan, sources, device, usesHost ? host : null, options.Maxima);
        SideRuntime deviceRuntime = new(device);
        SideRuntime? hostRuntime = null;
        ConstantExpander expander = new();
        try
        {
            hostRuntime = usesHost ? new(host!) : null;
            return new SessionBuilder(lowered, plan, constants, deviceRuntime, hostRuntime, expander, options).Build();
        }
        catch
        {
            deviceRuntime.Dispose();
            hostRuntime?.Dispose();
            expander.Dispose();
            throw;
        }
    }

    private Parts Build()
    {
        for (int i = 0; i < _plan.Steps.Length; i++)
        {
            if (_plan.Steps[i] is LaunchStep launch)
            {
                _kernels[i] = RuntimeOf(launch.Side).Prepare(launch, [.. launch.Constants.Select(Bytes)]);
            }
        }

        NoteExpansions();
        Liveness.Compute(_plan, i => _kernels[i].Info);
        _device.AllocateStorages(_plan, Side.Device, _options.Maxima);
        _host?.AllocateStorages(_plan, Side.Host, _options.Maxima);
        (Dictionary<string, InputStaging> inputs, HashSet<string> read) = Inputs();
        object[] steps = [.. _plan.Steps.Select((step, i) => step is LaunchStep launch
            ? (object)new PreparedLaunch(launch, _kernels[i], name => inputs[name].Pinned.HostAddress)
            : Prepared((TransferStep)step))];
        if (_kernels.Values.All(k => !k.Info.KeepsHostConstants))
        {
            _expander.Dispose();
        }

        return new(_lowered, _plan, _device, _host, steps, inputs, Outputs(), read, _expander);
    }

    private ConstantData? Bytes(ConstantOperand? operand)
    {
        if (operand is null)
        {
            return null;
        }

        ConstantData data = _lowered.Expansions.TryGetValue(operand.Name, out Expansion? expansion)
            ? _expander.Expand(_constants(expansion.Source), expansion.To)
            : _constants(operand.Name);
        ImmutableArray<long> shape = [.. operand.Type.Shape.Dims.Select(d => d.Constant)];
        return data.Type == operand.Type.Element && data.Bytes == operand.Type.Bytes(default)
            ? data with { Shape = shape }
            : throw new UserErrorException($"{data.Identity} has {data.Bytes} bytes of {data.Type.Name()} where %{operand.Name} is {operand.Type}");
    }

    private void NoteExpansions()
    {
        if (_lowered.Expansions.Count > 0)
        {
            string types = string.Join(", ", _lowered.Expansions.Values.Select(e => _constants(e.Source).Type.Name()).Distinct().Order());
            string to = string.Join(", ", _lowered.Expansions.Values.Select(e => e.To.Name()).Distinct().Order());
            _plan.Ledger.Add(new("expanded weights", $"{types} to {to}, which the device reads", 0, 0) { Bytes = _expander.Bytes });
        }
    }

    /// <summary>Staging for each input that some kernel reads, on a side or on the host.</summary>
    private (Dictionary<string, InputStaging> Inputs, HashSet<string> Read) Inputs()
    {
        HashSet<string> hostRead = [];
        foreach ((int i, IKernel kernel) in _kernels)
        {
            LaunchStep launch = (LaunchStep)_plan.Steps[i];
            hostRead.UnionWith(launch.Inputs.Where((name, j) => name is not null && (kernel.Info.HostOperands >> j & 1) != 0)!);
        }

        Dictionary<string, InputStaging> inputs = new(StringComparer.Ordinal);
        foreach (Value input in _lowered.Graph.Inputs)
        {
            InputUse[] uses = [.. _plan.Inputs.Where(u => u.Name == input.Name && u.Storage.Last >= 0)];
            if (uses.Length > 0 || hostRead.Contains(input.Name))
            {
                long bytes = Math.Max(1, input.Type.Bytes(_options.Maxima));
                inputs[input.Name] = new(input.Name, input.Type, _device.Allocate(MemoryKind.PinnedHost, bytes, $"input %{input.Name}"), uses);
            }
        }

        return (inputs, [.. inputs.Keys]);
    }

    private Dictionary<string, OutputStaging> Outputs() => _plan.Outputs.ToDictionary(
        o => o.Name,
        o => new OutputStaging(o, o.View.Storage.Side == Side.Host
            ? null
            : _device.Allocate(MemoryKind.PinnedHost, Math.Max(1, o.View.Storage.Bytes(_options.Maxima, _device.Device.Capabilities)), $"output {o.Name}")),
        StringComparer.Ordinal);

    private PreparedTransfer Prepared(TransferStep step)
    {
        Storage onDevice = step.From.Side == Side.Device ? step.From : step.To;
        long bytes = Math.Max(1, onDevice.Bytes(_options.Maxima, _device.Device.Capabilities));
        return new(step, _device, _host!, _device.Allocate(MemoryKind.PinnedHost, bytes, $"the transfer of %{onDevice.Name}"));
    }

    private SideRuntime RuntimeOf(Side side) => side == Side.Device ? _device : _host!;
}
