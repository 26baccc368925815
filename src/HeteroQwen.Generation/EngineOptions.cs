using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>How a model is opened on a device.</summary>
public sealed record EngineOptions
{
    public required Precision Precision { get; init; }

    /// <summary>Entries of the KV pool; null for the model's limit or 4096, whichever is less.</summary>
    public int? Context { get; init; }

    /// <summary>Type of the KV cache; null for f32 in exact, and in fast for f16 where the device holds it.</summary>
    public ElementType? KvType { get; init; }

    /// <summary>Consent to run on the host what the device does not.</summary>
    public bool AllowHostFallback { get; init; }

    /// <summary>False opens every block.</summary>
    public bool Fuse { get; init; } = true;

    /// <summary>Waits after each op and keeps its time.</summary>
    public bool Profile { get; init; }

    /// <summary>The most sequences of one step.</summary>
    public int MaxSequences { get; init; } = 1;

    /// <summary>Whether a step may ask for the logits of all its tokens; else for the last of each sequence.</summary>
    public bool AllRows { get; init; }
}
