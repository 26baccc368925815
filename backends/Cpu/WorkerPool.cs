using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu;

/// <summary>Does the units begin .. end - 1 of a launch, as worker number <paramref name="worker"/>; called for one run after another.</summary>
internal delegate void Work(int worker, long begin, long end);

/// <summary>A worker threw; the inner exception is what it threw.</summary>
internal sealed class WorkerException(int worker, Exception inner) : Exception($"worker {worker} failed", inner);

/// <summary>
/// Threads that share the units of a launch. The caller is worker 0; the others wait, spinning briefly (the next launch mostly
/// follows within microseconds) and then parked.
/// <para>Units are dealt out in runs, side by side in memory, from one counter: a worker whose core is taken away by another process
/// holds up no more than the run that it has begun, and one that has not begun by the time that the others are done is not waited
/// for. Since each unit owns its outputs and computes them alone, neither the number of workers nor who does what changes a
/// bit.</para>
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>A worker is woken only for at least this much work, in about a nanosecond, unless the device says otherwise.</summary>
    public const long UsualShare = 1 << 13;

    /// <summary>Runs that a worker's share is dealt in, where they are no less than <see cref="SharesInRun"/> asks for.</summary>
    private const int RunsPerShare = 8;

    /// <summary>A run is worth at least this part of the smallest share: taking it from the counter costs about 0.1 microseconds.</summary>
    private const int SharesInRun = 4;

    private readonly Worker[] _workers;
    private readonly nint[] _scratch;
    private readonly long _smallestShare;
    private Work? _work;
    private long _units;
    private long _run;
    private long _scratchBytes;
    private PaddedCounter _next;

    public WorkerPool(int threads, long smallestShare = UsualShare)
    {
        _smallestShare = smallestShare;
        _scratch = new nint[threads];
        _workers = new Worker[threads - 1];
        try
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                // More threads than processors: a spinning one would only keep another from running.
                _workers[i] = new Worker(this, i + 1, spins: threads <= Environment.ProcessorCount);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Threads => _workers.Length + 1;

    internal bool IsStopping { get; private set; }

    /// <summary>What the kernels of these workers are made of.</summary>
    public CpuTier Tier { get; init; } = CpuTiers.Here[0];

    /// <summary>Weights packed for kernels of these workers.</summary>
    public PackedMatrices Weights { get; } = new();

    /// <summary>Kernels that these workers have in machine code.</summary>
    public EmittedKernels Emitted { get; } = new();

    /// <summary>Runs the work and returns when all units are done.</summary>
    /// <param name="work">The work; kept by the caller, so that a launch allocates nothing.</param>
    /// <param name="units">Number of units.</param>
    /// <param name="cost">Work in a unit, in about a nanosecond. It decides how many workers are woken.</param>
    /// <exception cref="WorkerException">A worker threw; all have ended.</exception>
    public void Run(Work work, long units, long cost)
    {
        ObjectDisposedException.ThrowIf(IsStopping, this);
        cost = Math.Max(1, cost);
        long shares = Math.Max(1, units * cost / _smallestShare);
        int parts = (int)Math.Min(Math.Min(Threads, units), shares);
        long leastRun = (_smallestShare / SharesInRun / cost) + 1;
        (_work, _units) = (work, units);
        _run = parts <= 1 ? units : Math.Max(leastRun, units / (parts * (long)RunsPerShare));
        _next.Value = 0;
        for (int i = 0; i < parts - 1; i++)
        {
            _workers[i].Post();
        }

        (Exception? failure, int failed) = (TakeRuns(0), 0);
        for (int i = 0; i < parts - 1; i++)
        {
            Exception? other = _workers[i].Collect();
            (failure, failed) = failure is null && other is not null ? (other, i + 1) : (failure, failed);
        }

        if (failure is not null)
        {
            throw new WorkerException(failed, failure);
        }
    }

    /// <summary>Memory of one worker, for the time of one unit; as large as the largest <see cref="EnsureScratch"/> so far.</summary>
    public float* Scratch(int worker) => (float*)_scratch[worker];

    /// <summary>Grows each worker's memory. Called when a kernel is prepared, never by a launch.</summary>
    public void EnsureScratch(long bytes)
    {
        ObjectDisposedException.ThrowIf(IsStopping, this);
        if (bytes <= _scratchBytes)
        {
            return;
        }

        for (int i = 0; i < _scratch.Length; i++)
        {
            void* grown = NativeMemory.AlignedAlloc(checked((nuint)bytes), CpuBuffer.Alignment);
            NativeMemory.AlignedFree((void*)_scratch[i]);
            _scratch[i] = (nint)grown;
        }

        _scratchBytes = bytes;
    }

    public void Dispose()
    {
        IsStopping = true;
        foreach (Worker? worker in _workers)
        {
            worker?.Dispose();
        }

        Emitted.Dispose();

        for (int i = 0; i < _scratch.Length; i++)
        {
            NativeMemory.AlignedFree((void*)_scratch[i]);
            _scratch[i] = 0;
        }

        _scratchBytes = 0;
    }

    /// <summary>Takes runs of the launch until there are none; what was thrown, or null.</summary>
    internal Exception? TakeRuns(int worker)
    {
        (Work work, long units, long run) = (_work!, _units, _run);
        try
        {
            for (long begin; (begin = Interlocked.Add(ref _next.Value, run) - run) < units;)
            {
                work(worker, begin, Math.Min(units, begin + run));
            }

            return null;
        }
        catch (Exception e)
        {
            // A worker's exception belongs to the launch, whose caller gets it; on a bare thread it would end the process.
            Volatile.Write(ref _next.Value, units);
            return e;
        }
    }

    /// <summary>A number alone in its cache lines, so that taking runs slows down nothing that lies beside it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 3 * CpuBuffer.Alignment)]
    private struct PaddedCounter
    {
        [FieldOffset(CpuBuffer.Alignment)]
        public long Value;
    }
}
