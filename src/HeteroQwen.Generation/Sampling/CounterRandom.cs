namespace HeteroQwen.Generation;

/// <summary>Random numbers by their place, not by a state: SplitMix64's mixing over seed, sequence and index.</summary>
internal static class CounterRandom
{
    /// <summary>A number of [0, 1) with 53 random bits.</summary>
    public static double Unit(long seed, long sequence, long index)
    {
        ulong mixed = Mix(Mix(Mix((ulong)seed) + (ulong)sequence) + (ulong)index);
        return (mixed >> 11) * (1.0 / (1L << 53));
    }

    private static ulong Mix(ulong z)
    {
        z += 0x9e37_79b9_7f4a_7c15;
        z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
        z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
        return z ^ (z >> 31);
    }
}
