using System.Text;

namespace HeteroQwen.Conformance.Ops;

/// <summary>Random numbers from a seed and a case's id (SplitMix64), the same on every machine.</summary>
public sealed class CaseRandom
{
    private ulong _state;

    public CaseRandom(string id, long seed)
    {
        // FNV-1a over the id; string.GetHashCode differs from run to run.
        _state = 0xCBF29CE484222325 ^ (ulong)seed;
        foreach (byte b in Encoding.UTF8.GetBytes(id))
        {
            _state = unchecked((_state ^ b) * 0x100000001B3);
        }
    }

    public ulong Bits()
    {
        ulong z = unchecked(_state += 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to below 1.</summary>
    public double Uniform() => (Bits() >> 11) * (1.0 / (1L << 53));

    /// <summary>From 0 to below <paramref name="bound"/>.</summary>
    public int Below(int bound) => (int)(Bits() % (ulong)bound);

    /// <summary>Standard normal (Box and Muller).</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Uniform())) * Math.Cos(2 * Math.PI * Uniform());

    public double[] Values(long count, Func<CaseRandom, double> draw)
    {
        double[] values = new double[count];
        for (long i = 0; i < count; i++)
        {
            values[i] = draw(this);
        }

        return values;
    }

    /// <summary>0 .. count - 1 in random order.</summary>
    public int[] Order(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
