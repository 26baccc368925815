namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Sizes of work, by the kind of device. On a processor a work-group is one item that runs through whole vectors, since lanes would be
/// a loop around it; elsewhere lanes share a row.
/// </summary>
internal sealed record Tuning
{
    /// <summary>Work-items of a group, a power of two.</summary>
    public required int Lanes { get; init; }

    /// <summary>Elements that an item of an elementwise kernel takes.</summary>
    public required int Block { get; init; }

    /// <summary>Products of many rows go through tiles that 64 lanes share, rather than through a panel of one item.</summary>
    public required bool Tiles { get; init; }

    /// <summary>Bytes of a piece of a constant at the most, where the device's largest buffer allows more.</summary>
    public long PieceBytes { get; init; } = long.MaxValue;

    public static Tuning Processor { get; } = new() { Lanes = 1, Block = 4096, Tiles = false };

    /// <summary>A group is at least one wavefront of the widest machines; smaller where the device allows no more.</summary>
    public static Tuning Wide(int mostWorkItems) => new()
    {
        Lanes = 1 << Math.Min(6, System.Numerics.BitOperations.Log2((uint)Math.Max(1, mostWorkItems))),
        Block = 4,
        Tiles = mostWorkItems >= 64,
    };

    public static Tuning For(DeviceFacts facts) => facts.IsProcessor ? Processor : Wide(facts.MostWorkItems);
}
