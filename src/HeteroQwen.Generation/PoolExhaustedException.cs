using HeteroQwen.Ir;

namespace HeteroQwen.Generation;

/// <summary>The KV pool has too few free pages for a step; no sequence has changed.</summary>
public sealed class PoolExhaustedException(int entries, int freePages, int page)
    : UserErrorException(
        $"the KV cache has {freePages} free pages of {page} entries, too few for {entries} more tokens; "
        + "take a larger context (-c) or fewer texts at once");
