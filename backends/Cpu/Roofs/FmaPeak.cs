using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// The rate of f32 multiply-add. 12 chains in registers (12 accumulators and 2 factors: 14 of AVX2's 16): two units of latency 4 need 8.
/// Scalar equivalent, per chain: for (i = 0; i &lt; rounds; i++) a = a * x + y.
/// </summary>
internal static class FmaPeak
{
    private const int Chains = 12;

    /// <summary>1 to 2 ms: waking the workers hardly counts, and a pass in which no core does anything else is soon found.</summary>
    private const long Rounds = 600_000;

    /// <summary>Operations of all of a worker's lanes in one pass.</summary>
    public static double OperationsOf(int lanes) => 2.0 * Chains * lanes * Rounds;

    /// <summary>One pass; the result is only there so that the loop is not removed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Pass<TVector, TLanes>()
        where TVector : struct
        where TLanes : struct, IPeakLanes<TVector>
    {
        TVector x = TLanes.Create(0.999f);
        TVector y = TLanes.Create(1e-3f);
        TVector a = TLanes.Create(0), b = TLanes.Create(1), c = TLanes.Create(2), d = TLanes.Create(3);
        TVector e = TLanes.Create(4), f = TLanes.Create(5), g = TLanes.Create(6), h = TLanes.Create(7);
        TVector i = TLanes.Create(8), j = TLanes.Create(9), k = TLanes.Create(10), l = TLanes.Create(11);
        for (long round = 0; round < Rounds; round++)
        {
            a = TLanes.MultiplyAdd(a, x, y);
            b = TLanes.MultiplyAdd(b, x, y);
            c = TLanes.MultiplyAdd(c, x, y);
            d = TLanes.MultiplyAdd(d, x, y);
            e = TLanes.MultiplyAdd(e, x, y);
            f = TLanes.MultiplyAdd(f, x, y);
            g = TLanes.MultiplyAdd(g, x, y);
            h = TLanes.MultiplyAdd(h, x, y);
            i = TLanes.MultiplyAdd(i, x, y);
            j = TLanes.MultiplyAdd(j, x, y);
            k = TLanes.MultiplyAdd(k, x, y);
            l = TLanes.MultiplyAdd(l, x, y);
        }

        TVector abcdef = TLanes.Merge(TLanes.Merge(TLanes.Merge(a, b), TLanes.Merge(c, d)), TLanes.Merge(e, f));
        TVector ghijkl = TLanes.Merge(TLanes.Merge(TLanes.Merge(g, h), TLanes.Merge(i, j)), TLanes.Merge(k, l));
        return TLanes.First(TLanes.Merge(abcdef, ghijkl));
    }
}
