using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// Reading of memory in order: one stream for each worker, which is the fastest way to read (several at once make the prefetchers
/// and the pages of the memory compete). 8 vectors a round; four accumulators keep the merging off the critical path.
/// Scalar equivalent: for (i = 0; i &lt; length; i++) r = merge(r, source[i]).
/// </summary>
internal static unsafe class ReadPeak
{
    private const int VectorsPerRound = 8;

    /// <summary>Bytes of a round at the largest width; what is read is a multiple of it.</summary>
    public const int Granule = VectorsPerRound * 64;

    /// <summary>One pass; the result is only there so that the loop is not removed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Pass<TVector, TLanes>(byte* source, long bytes)
        where TVector : struct
        where TLanes : struct, IPeakLanes<TVector>
    {
        int lanes = Unsafe.SizeOf<TVector>() / sizeof(float);
        TVector a = TLanes.Create(0), b = a, c = a, d = a;
        float* end = (float*)(source + bytes);
        for (float* at = (float*)source; at < end; at += VectorsPerRound * lanes)
        {
            a = TLanes.Merge(a, TLanes.Merge(TLanes.Load(at), TLanes.Load(at + (4 * lanes))));
            b = TLanes.Merge(b, TLanes.Merge(TLanes.Load(at + lanes), TLanes.Load(at + (5 * lanes))));
            c = TLanes.Merge(c, TLanes.Merge(TLanes.Load(at + (2 * lanes)), TLanes.Load(at + (6 * lanes))));
            d = TLanes.Merge(d, TLanes.Merge(TLanes.Load(at + (3 * lanes)), TLanes.Load(at + (7 * lanes))));
        }

        return TLanes.First(TLanes.Merge(TLanes.Merge(a, b), TLanes.Merge(c, d)));
    }
}
