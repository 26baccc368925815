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
    private readonly Func<string, long> _release;
    private readonly ConstantReaders _readers;
    private readonly Dictionary<int, IKernel> _kernels = [];
    private long _releasedBytes;

    private SessionBuilder(
        LoweredGraph lowered,
        Plan plan,
        Func<string, ConstantData> constants,
        SideRuntime device,
        SideRuntime? host,
        ConstantExpander expander,
        Func<string, long> release,
        SessionOptions options)
    {
        (_lowered, _plan, _constants, _release, _options) = (lowered, plan, constants, release, options);
        (_device, _host, _expander) = (device, host, expander);
        _readers = new(plan.Steps.OfType<LaunchStep>().Select(Names));
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
        ConstantExpander Expander,
        long ReleasedBytes);

    public static Parts Build(
        LoweredGraph lowered,
        Plan plan,
        Func<string, ConstantData> constants,
        Func<string, long> release,
        Device device,
        Device? host,
        SessionOptions options)
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
            return new SessionBuilder(lowered, plan, constants, deviceRuntime, hostRuntime, expander, release, options).Build();
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
        PrepareKernels();
        NoteExpansions();
        Liveness.Compute(_plan, i => _kernels[i].Info);
        _device.AllocateStorages(_plan, Side.Device, _options.Maxima);
        _host?.AllocateStorages(_plan, Side.Host, _options.Maxima);
        (Dictionary<string, InputStaging> inputs, HashSet<string> read) = Inputs();
        object[] steps = [.. _plan.Steps.Select((step, i) => step is LaunchStep launch
            ? (object)new PreparedLaunch(launch, _kernels[i], name => inputs[name].Pinned.HostAddress)
            : Prepared((TransferStep)step))];
        return new(_lowered, _plan, _device, _host, steps, inputs, Outputs(), read, _expander, _releasedBytes);
    }

    /// <summary>
    /// Those with the largest constants first: while a constant is packed it is in memory twice, and that is then on top of the little
    /// that is packed already.
    /// </summary>
    private void PrepareKernels()
    {
        IEnumerable<(LaunchStep Launch, int Index)> launches = _plan.Steps.Select((step, i) => (Launch: step as LaunchStep, i))
            .Where(s => s.Launch is not null).OrderByDescending(s => s.Launch!.Constants.Sum(c => c?.Type.Bytes(default) ?? 0))!;
        foreach ((LaunchStep launch, int i) in launches)
        {
            IKernel kernel = RuntimeOf(launch.Side).Prepare(launch, [.. launch.Constants.Select(Bytes)]);
            _kernels[i] = kernel;
            foreach (string name in _readers.Prepared(Names(launch), kernel.Info))
            {
                GiveBack(name);
            }
        }
    }

    /// <summary>
    /// The memory of a constant that all its kernels are prepared from. Where one packed it and another goes on reading it (a tied
    /// embedding, of which a step reads a few rows), the pages go all the same: those that are read come back.
    /// </summary>
    private void GiveBack(string name)
    {
        if (!_lowered.Expansions.TryGetValue(name, out Expansion? expansion))
        {
            _releasedBytes += _readers.WasReadWhole(name) ? _release(name) : 0;
        }
        else if (!_readers.IsKept(name))
        {
            _expander.Free(_constants(expansion.Source), expansion.To);
        }
    }

    private static IEnumerable<string> Names(LaunchStep launch) => launch.Constants.OfType<ConstantOperand>().Select(c => c.Name);

    private ConstantData? Bytes(ConstantOperand? operand)
    {
        if (operand is null)
        {
            return null;
        }

        ConstantData data = _lowered.Expansions.TryGetValue(operand.Name, out Expansion? expansion)
            ? Expanded(expansion)
            : _constants(operand.Name);
        ImmutableArray<long> shape = [.. operand.Type.Shape.Dims.Select(d => d.Constant)];
        return data.Type == operand.Type.Element && data.Bytes == operand.Type.Bytes(default)
            ? data with { Shape = shape }
            : throw new UserErrorException($"{data.Identity} has {data.Bytes} bytes of {data.Type.Name()} where %{operand.Name} is {operand.Type}");
    }

    private ConstantData Expanded(Expansion expansion)
    {
        long before = _expander.Bytes;
        ConstantData data = _expander.Expand(_constants(expansion.Source), expansion.To);
        _releasedBytes += _expander.Bytes > before ? _release(expansion.Source) : 0;
        return data;
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
