using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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

    private readonly float[] _results = new float[pool.Threads];

    /// <param name="loop">The instruction that computes; null for f32 multiply-add in the widest vectors.</param>
    /// <exception cref="OutOfMemoryException">There is no room for a buffer larger than the caches.</exception>
    public Peaks Measure(PeakLoop? loop) =>
        Vector512.IsHardwareAccelerated ? Measure<Vector512<float>, Lanes512>(loop, 512)
        : Vector256.IsHardwareAccelerated ? Measure<Vector256<float>, Lanes256>(loop, 256)
        : Vector128.IsHardwareAccelerated ? Measure<Vector128<float>, Lanes128>(loop, 128)
        : Measure<float, Lanes32>(loop, 32);

    /// <summary>
    /// Arithmetic is measured in each worker by itself, all running: cores do not share it, and on a busy machine they are seldom all
    /// undisturbed at once. The memory they do share.
    /// </summary>
    private Peaks Measure<TVector, TLanes>(PeakLoop? loop, int bits)
        where TVector : struct
        where TLanes : struct, IPeakLanes<TVector>
    {
        double[] seconds = new double[pool.Threads];
        Action Pass(int worker) => loop is null ? () => _results[worker] = FmaPeak.Pass<TVector, TLanes>() : loop.Pass;
        pool.Run((worker, _, _) => seconds[worker] = Best(Pass(worker)), pool.Threads, Cost);
        double operations = loop?.Operations ?? FmaPeak.OperationsOf(bits / 32);
        return new(MeasureRead<TVector, TLanes>(), loop?.Unit ?? $"f32 multiply-add, {bits} bits", seconds.Sum(s => operations / s));
    }

    private double MeasureRead<TVector, TLanes>()
        where TVector : struct
        where TLanes : struct, IPeakLanes<TVector>
    {
        long share = BufferBytes() / pool.Threads / ReadPeak.Granule * ReadPeak.Granule;
        byte* buffer = (byte*)NativeMemory.AlignedAlloc((nuint)(share * pool.Threads), HostPages.Huge);
        try
        {
            HostPages.AskHuge(buffer, share * pool.Threads);

            // Written by who reads it: memory that was never written is one page of zeros in the cache.
            pool.Run((worker, _, _) => NativeMemory.Fill(buffer + (worker * share), (nuint)share, 1), pool.Threads, Cost);
            Work pass = (worker, _, _) => _results[worker] = ReadPeak.Pass<TVector, TLanes>(buffer + (worker * share), share);
            double seconds = Best(() => pool.Run(pass, pool.Threads, Cost));
            return share * pool.Threads / seconds;
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
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
