using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>How a graph is lowered and run.</summary>
public sealed record SessionOptions
{
    public required Precision Precision { get; init; }

    /// <summary>The largest value of each symbol in any step.</summary>
    public required Bindings Maxima { get; init; }

    /// <summary>Consent to run on the host what the device does not.</summary>
    public bool AllowHostFallback { get; init; }

    /// <summary>False opens every block, whether the device has a kernel for it or not.</summary>
    public bool Fuse { get; init; } = true;

    /// <summary>Waits after each op and keeps its time.</summary>
    public bool Profile { get; init; }
}
