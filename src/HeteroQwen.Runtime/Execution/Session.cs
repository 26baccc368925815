using System.Diagnostics;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Time of one operation, summed over the steps of a session that profiles.</summary>
/// <param name="Label">Name of the operation's first result.</param>
/// <param name="Op">Name of the op.</param>
/// <param name="Side">Where it ran.</param>
/// <param name="Runs">Launches.</param>
/// <param name="Seconds">Time from launch to completion.</param>
public sealed record OpTiming(string Label, string Op, Side Side, long Runs, double Seconds);

/// <summary>
/// A graph lowered for a device, with kernels prepared and memory given out: it runs steps. A step allocates nothing, save where
/// larger bindings than before ask for a larger workspace. One thread uses a session, and the sessions of a device, at a time.
/// </summary>
public sealed class Session : IDisposable
{
    private readonly SessionOptions _options;
    private readonly SideRuntime _device;
    private readonly SideRuntime? _host;
    private readonly Plan _plan;
    private readonly object[] _steps;
    private readonly Dictionary<string, InputStaging> _inputs;
    private readonly Dictionary<string, OutputStaging> _outputs;
    private readonly HashSet<string> _read;
    private readonly ConstantExpander _expander;
    private Bindings? _bindings;
    private bool _failed;

    internal Session(SessionOptions options, SessionBuilder.Parts parts)
    {
        _options = options;
        _device = parts.Device;
        _host = parts.Host;
        _plan = parts.Plan;
        _steps = parts.Steps;
        _inputs = parts.Inputs;
        _outputs = parts.Outputs;
        _read = parts.Read;
        _expander = parts.Expander;
        Lowered = parts.Lowered;
        ReleasedBytes = parts.ReleasedBytes;
    }

    public LoweredGraph Lowered { get; }

    /// <summary>Bytes of the model's memory that were given back once they were packed.</summary>
    public long ReleasedBytes { get; }

    /// <summary>What the host did, and what expanded weights cost.</summary>
    public Ledger Ledger => _plan.Ledger;

    /// <summary>Times per operation; empty unless the session profiles.</summary>
    public IReadOnlyList<OpTiming> Timings =>
    [
        .. _steps.OfType<PreparedLaunch>().Where(l => l.Runs > 0)
            .Select(l => new OpTiming(l.Step.Label, l.Step.Definition.Name, l.Step.Side, l.Runs, l.Ticks / (double)Stopwatch.Frequency)),
    ];

    /// <summary>Lowers a graph, prepares its kernels and allocates its memory.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="constants">The bytes of each constant by name; they stay valid as long as the session.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="host">What takes the rest, with consent; null for nothing.</param>
    /// <param name="options">Precision, maxima and consent.</param>
    /// <param name="release">Gives back the memory of the bytes of a constant of this name, which stay valid, and returns how much; null
    /// where there is none to be given back.</param>
    /// <exception cref="UserErrorException">The device cannot run it as asked: precision, memory, or work for the host without consent.</exception>
    /// <exception cref="BackendException">The backend failed.</exception>
    public static Session Create(
        Graph graph, Func<string, ConstantData> constants, Device device, Device? host, SessionOptions options, Func<string, long>? release = null)
    {
        ArgumentNullException.ThrowIfNull(constants);
        LoweredGraph lowered = Lowering.Lower(graph, device, host, options);
        Plan plan = Planner.Build(lowered, device, host, options);
        return new(options, SessionBuilder.Build(lowered, plan, constants, release ?? (_ => 0), device, host, options));
    }

    /// <summary>Whether any kernel of the plan reads this input; what none reads need not be filled.</summary>
    public bool Reads(string input) => _read.Contains(input);

    /// <summary>
    /// Host memory of an input, to be filled dense and row-major for the next step's bindings; its length is that of the maxima.
    /// Waits until the last step no longer needs it. Empty for an input that is not read.
    /// </summary>
    public unsafe Span<T> Input<T>(string name)
        where T : unmanaged
    {
        if (!_inputs.TryGetValue(name, out InputStaging? input))
        {
            return [];
        }

        WaitForStep();
        return new((void*)input.Pinned.HostAddress, checked((int)(input.Type.Bytes(_options.Maxima) / sizeof(T))));
    }

    /// <summary>Uploads the inputs and enqueues a step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A symbol exceeds its maximum.</exception>
    /// <exception cref="BackendException">A launch failed; the session cannot be used again.</exception>
    public void Run(in Bindings bindings)
    {
        if (!bindings.Within(_options.Maxima))
        {
            throw new ArgumentOutOfRangeException(nameof(bindings), $"{bindings} exceeds {_options.Maxima}");
        }

        RequireUsable();
        WaitForStep();
        try
        {
            Bind(bindings);
            foreach (InputStaging input in _inputs.Values)
            {
                input.Upload(bindings, _device, _host);
            }

            foreach (object step in _steps)
            {
                Run(step, bindings);
            }

            foreach (OutputStaging output in _outputs.Values)
            {
                output.Download(bindings, _device);
            }

            _host?.Mark();
            _device.Mark();
        }
        catch (BackendException)
        {
            Fail();
            throw;
        }
    }

    /// <summary>An output of the last step, dense and row-major; valid until the next step. Waits for the step.</summary>
    public ReadOnlySpan<float> Output(string name)
    {
        RequireUsable();
        WaitForStep();
        return _bindings is { } bindings ? _outputs[name].Read(bindings) : [];
    }

    /// <summary>Copies rows of axis 0 within every state: a page that is partly filled.</summary>
    public void CopyStateRows(long from, long to, long rows)
    {
        RequireUsable();
        foreach (Storage state in _plan.States)
        {
            SideRuntime side = state.Side == Side.Device ? _device : _host!;
            long row = state.Type.Element.Bytes(state.Strides[0].Resolve(default));
            side.Copy(state.Buffer!, checked(to * row), state.Buffer!, checked(from * row), checked(rows * row));
        }
    }

    /// <summary>Makes all states zeros again.</summary>
    public void ClearStates()
    {
        RequireUsable();
        foreach (Storage state in _plan.States)
        {
            SideRuntime side = state.Side == Side.Device ? _device : _host!;
            side.Fill(state.Buffer!, 0, state.Buffer!.Bytes, 0);
        }
    }

    public void Dispose()
    {
        _device.Dispose();
        _host?.Dispose();
        _expander.Dispose();
    }

    private void Bind(in Bindings bindings)
    {
        if (_bindings == bindings)
        {
            return;
        }

        _device.SizeWorkspace(bindings, _options.Maxima);
        _host?.SizeWorkspace(bindings, _options.Maxima);
        foreach (object step in _steps)
        {
            (step as PreparedLaunch)?.Bind(bindings);
        }

        _bindings = bindings;
    }

    private void Run(object step, in Bindings bindings)
    {
        if (step is PreparedTransfer transfer)
        {
            transfer.Run(bindings);
            return;
        }

        PreparedLaunch launch = (PreparedLaunch)step;
        SideRuntime side = launch.Step.Side == Side.Device ? _device : _host!;
        if (launch.Action == EmptyAction.Launch)
        {
            long begin = _options.Profile ? Stopwatch.GetTimestamp() : 0;
            Status status = side.Stream.Launch(launch.Kernel, bindings, launch.Arguments, side.Workspace, 0);
            if (!status.IsOk)
            {
                throw new BackendException(side.Device.Id, $"%{launch.Step.Label} = {launch.Step.Descriptor} with {bindings}", status);
            }

            if (_options.Profile)
            {
                side.WaitIdle();
                launch.Ticks += Stopwatch.GetTimestamp() - begin;
                launch.Runs++;
            }
        }
        else if (launch.Action == EmptyAction.Fill)
        {
            Storage storage = launch.Result(0).Storage;
            side.Fill(storage.Buffer!, storage.Offset, storage.Bytes(bindings, side.Device.Capabilities), launch.Pattern);
        }
    }

    private void WaitForStep()
    {
        try
        {
            _device.WaitMarked();
            _host?.WaitMarked();
        }
        catch (BackendException)
        {
            Fail();
            throw;
        }
    }

    /// <summary>States that a failed step touched are not used again; one synchronize clears the stream for others.</summary>
    private void Fail()
    {
        _failed = true;
        _device.Stream.Synchronize();
        _host?.Stream.Synchronize();
    }

    private void RequireUsable()
    {
        if (_failed)
        {
            throw new InvalidOperationException("an earlier step failed, so the states are not known; open the model anew");
        }
    }
}
