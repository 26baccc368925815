using System.Collections.Concurrent;
using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>What a <see cref="LateBackend"/> asks for.</summary>
public sealed record LateOptions
{
    /// <summary>How long work lies in the queue if nobody waits for it.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(2);

    public int RowMultiple { get; init; } = 16;

    public int Alignment { get; init; } = 256;

    public int LengthAlignment { get; init; } = 64;

    public long LargestBuffer { get; init; } = 64L << 20;

    public int PageSize { get; init; } = 16;

    /// <summary>Ops that the device runs, of those that the inner one does.</summary>
    public Func<OpDescriptor, bool> Runs { get; init; } = _ => true;

    /// <summary>Operands whose bytes kernels want on the host at launch, by op; by default <c>q_start</c> and <c>kv_start</c>.</summary>
    public ImmutableDictionary<string, ulong> HostOperands { get; init; } =
        ImmutableDictionary<string, ulong>.Empty.Add("attention", 0b1100000);
}

/// <summary>
/// An asynchronous and pedantic device: its stream runs late on another thread, over memory that the host cannot reach, and every
/// breach of the contract that it sees is listed and fails the work, as a real device would. Results, row padding, tails and
/// workspace hold NaN before each launch. The arithmetic is that of an inner device, to which operands are copied without padding;
/// its memory must be reachable from the host. The caller keeps the inner device.
/// </summary>
public sealed class LateBackend(IDevice inner, LateOptions options) : IBackend
{
    private readonly ConcurrentQueue<string> _violations = [];

    public string Name => "late";

    /// <summary>Breaches of the contract by the caller, in the order in which they were seen. Empty when all is well.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Bindings with which kernels were launched.</summary>
    public ConcurrentDictionary<Bindings, int> Launches { get; } = [];

    /// <summary>An op whose next launch fails on the device, long after it was enqueued.</summary>
    public string? FailNext { get; set; }

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [new(0, "a toy that is late", Available: true, Reason: null, MemoryBytes: 0, Tiers: [], Notes: [])];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = index == 0 && options.Count == 0 ? new LateDevice(this, inner, Options) : null;
        return device is null ? new(StatusCode.Unavailable, "late has one device, 0, and no options") : Status.Ok;
    }

    internal LateOptions Options => options;

    /// <summary>Notes a breach and returns it as the failure of the work.</summary>
    internal Status Violate(string what)
    {
        _violations.Enqueue(what);
        return Status.LaunchFailed(what);
    }
}
