using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>The device does not run all ops, and the caller gave no consent to run them on the host.</summary>
public sealed class HostFallbackException : UserErrorException
{
    internal HostFallbackException(string device, IReadOnlyCollection<(string Op, string Reason)> ops)
        : base($"{device} does not run {string.Join(", ", ops.Select(o => $"{o.Op} ({o.Reason})"))}; "
            + "--host-fallback runs them on the host and says what that costs")
    {
        Ops = [.. ops.Select(o => o.Op)];
    }

    public IReadOnlyList<string> Ops { get; }
}
