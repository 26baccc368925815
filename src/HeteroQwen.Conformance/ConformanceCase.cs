using HeteroQwen.Backends;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>What a case is about; the part of its id before the first '/'.</summary>
public enum CaseKind
{
    /// <summary>One op through the contract: id <c>op/NAME/...</c>.</summary>
    Op,

    /// <summary>Buffers, streams, lifetimes, claims: id <c>runtime/...</c>.</summary>
    Runtime,

    /// <summary>A whole model: id <c>model/...</c>.</summary>
    Model,
}

/// <summary>How much is run.</summary>
public enum Profile
{
    Quick,
    Full,
}

/// <summary>What a case runs on. The device is open; the host takes what the device does not, and the ledger says so.</summary>
/// <param name="Backend">The backend under test.</param>
/// <param name="Device">Its open device.</param>
/// <param name="Host">The host behind it.</param>
/// <param name="Seed">Seed of all inputs.</param>
public sealed record CaseContext(IBackend Backend, Device Device, Device Host, long Seed);

/// <summary>
/// One check of a backend. The id says all that is needed to make it again: op, types, shape, stride class and precision; with the
/// seed it is the same inputs on every machine.
/// </summary>
public abstract class ConformanceCase
{
    public abstract string Id { get; }

    public abstract CaseKind Kind { get; }

    /// <summary>The op it judges; null for runtime and model cases.</summary>
    public virtual string? Op => null;

    /// <summary>The precision it judges; null where precision does not matter.</summary>
    public virtual Precision? Precision => null;

    /// <summary>True if its op, types, attributes and sizes can occur in a lowering of a dense Qwen3, or of one with experts; a skip of
    /// such a case lowers the level.</summary>
    public virtual (bool Dense, bool Moe) Occurs => (false, false);

    /// <summary>Runs in the worker process. Does not throw for what the device does wrong.</summary>
    public abstract CaseResult Run(CaseContext context);
}
