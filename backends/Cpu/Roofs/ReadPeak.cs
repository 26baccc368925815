using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// Reading of memory in order: one stream for each worker, which is the fastest way to read (several at once make the prefetchers
/// and the pages of the memory compete). 8 vectors a round; four accumulators keep the additions off the critical path.
/// Scalar equivalent: for (i = 0; i &lt; length; i++) sum += source[i].
/// </summary>
internal static unsafe class ReadPeak
{
    private const int VectorsPerRound = 8;

    /// <summary>Bytes of a round at the largest width; what is read is a multiple of it.</summary>
    public const int Granule = VectorsPerRound * 64;

    /// <summary>One pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Sum<F>(byte* source, long bytes)
        where F : struct, ISimd<F>
    {
        F a = F.Zero, b = F.Zero, c = F.Zero, d = F.Zero;
        float* end = (float*)(source + bytes);
        for (float* at = (float*)source; at < end; at += VectorsPerRound * F.Count)
        {
            a += F.Load(at) + F.Load(at + (4 * F.Count));
            b += F.Load(at + F.Count) + F.Load(at + (5 * F.Count));
            c += F.Load(at + (2 * F.Count)) + F.Load(at + (6 * F.Count));
            d += F.Load(at + (3 * F.Count)) + F.Load(at + (7 * F.Count));
        }

        return F.Sum(a + b + c + d);
    }
}
