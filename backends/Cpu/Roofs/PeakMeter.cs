using System.Diagnostics;
using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// Measures what the machine can do with the workers of a pool: the best of some passes of milliseconds each, since whatever
/// else runs on the machine can only make a pass slower.
/// </summary>
internal sealed unsafe class PeakMeter(WorkerPool pool)
{
    private const int LeastPasses = 3;
    private const long LeastBytes = 256L << 20;
    private const long MostBytes = 1L << 30;

    /// <summary>So long, in nanoseconds, that every worker is woken.</summary>
    private const long Cost = 1_000_000_000;

    private static readonly TimeSpan s_time = TimeSpan.FromMilliseconds(80);

    /// <summary>Only there so that no loop is removed.</summary>
    private readonly float[] _results = new float[pool.Threads];

    /// <summary>
    /// Arithmetic is measured in each worker by itself, all running: cores do not share it, and on a busy machine they are seldom all
    /// undisturbed at once. The memory they do share; it is read in the widest vectors, whatever the kernels use.
    /// </summary>
    /// <exception cref="OutOfMemoryException">There is no room for a buffer larger than the caches.</exception>
    public Peaks Measure(PeakUnit unit)
    {
        double[] seconds = new double[pool.Threads];
        pool.Run((worker, _, _) => seconds[worker] = Best(unit.Pass), pool.Threads, Cost);
        double read = CpuTiers.Here[0].Width() switch
        {
            SimdWidth.Bits512 => MeasureRead<Simd512>(),
            SimdWidth.Bits256 => MeasureRead<Simd256>(),
            SimdWidth.Bits128 => MeasureRead<Simd128>(),
            _ => MeasureRead<SimdScalar>(),
        };
        return new(read, unit.Name, seconds.Sum(s => unit.Operations / s));
    }

    private double MeasureRead<F>()
        where F : struct, ISimd<F>
    {
        long share = BufferBytes() / pool.Threads / ReadPeak.Granule * ReadPeak.Granule;
        using PackedMemory memory = new(share * pool.Threads);
        byte* buffer = memory.Data;

        // Written by who reads it: memory that was never written is one page of zeros in the cache.
        pool.Run((worker, _, _) => NativeMemory.Fill(buffer + (worker * share), (nuint)share, 1), pool.Threads, Cost);
        Work pass = (worker, _, _) => _results[worker] = ReadPeak.Sum<F>(buffer + (worker * share), share);
        return share * pool.Threads / Best(() => pool.Run(pass, pool.Threads, Cost));
    }

    /// <summary>Seconds of the fastest pass.</summary>
    private static double Best(Action pass)
    {
        long best = long.MaxValue;
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < LeastPasses || Stopwatch.GetElapsedTime(begun) < s_time; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            pass();
            best = Math.Min(best, Stopwatch.GetTimestamp() - begin);
        }

        return (double)Math.Max(best, 1) / Stopwatch.Frequency;
    }

    /// <summary>Four times the last cache, where the system says how large that is, and no more than a quarter of the memory.</summary>
    private static long BufferBytes() => Math.Min(Math.Clamp(4 * LastCache(), LeastBytes, MostBytes), CpuBackend.MemoryBytes / 4);

    private static long LastCache()
    {
        const string Caches = "/sys/devices/system/cpu/cpu0/cache";
        try
        {
            // Such as 32768K, for each level.
            return Directory.Exists(Caches)
                ? Directory.EnumerateDirectories(Caches, "index*")
                    .Select(d => File.ReadAllText(Path.Combine(d, "size")).Trim())
                    .Max(size => size.EndsWith('K') && int.TryParse(size[..^1], out int kilobytes) ? kilobytes * 1024L : 0)
                : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 0;
        }
    }
}
