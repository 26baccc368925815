using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu;

/// <summary>Does the units begin .. end - 1 of a launch, as worker number <paramref name="worker"/>.</summary>
internal delegate void Work(int worker, long begin, long end);

/// <summary>A worker threw; the inner exception is what it threw.</summary>
internal sealed class WorkerException(int worker, Exception inner) : Exception($"worker {worker} failed", inner);

/// <summary>
/// Threads that share the units of a launch. The caller is worker 0; the others wait, spinning briefly (the next launch mostly
/// follows within microseconds) and then parked. Units are dealt out in runs of equal length; since each unit owns its outputs and
/// computes them alone, the number of workers never changes a bit.
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>A worker is woken only for at least this much work, in about a nanosecond, unless the device says otherwise.</summary>
    public const long UsualShare = 1 << 13;

    private const int SpinRounds = 2000;
    private const int SpinsPerRound = 4;

    private readonly Worker[] _workers;
    private readonly nint[] _scratch;
    private readonly int _spinRounds;
    private readonly long _smallestShare;
    private long _scratchBytes;
    private int _running;
    private volatile bool _stopping;

    public WorkerPool(int threads, long smallestShare = UsualShare)
    {
        // More threads than processors: a spinning one would only keep another from running.
        _spinRounds = threads <= Environment.ProcessorCount ? SpinRounds : 0;
        _smallestShare = smallestShare;
        _scratch = new nint[threads];
        _workers = new Worker[threads];
        try
        {
            for (int i = 1; i < threads; i++)
            {
                _workers[i] = new Worker(this, i);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Threads => _workers.Length;

    /// <summary>What the kernels of these workers are made of.</summary>
    public CpuTier Tier { get; init; } = CpuTiers.Here[0];

    /// <summary>Weights packed for kernels of these workers.</summary>
    public PackedMatrices Weights { get; } = new();

    /// <summary>Runs the work and returns when all units are done.</summary>
    /// <param name="work">The work; kept by the caller, so that a launch allocates nothing.</param>
    /// <param name="units">Number of units.</param>
    /// <param name="cost">Work in a unit, in about a nanosecond. It decides how many workers are woken.</param>
    /// <exception cref="WorkerException">A worker threw; all have ended.</exception>
    public void Run(Work work, long units, long cost)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        long shares = Math.Max(1, units * Math.Max(1, cost) / _smallestShare);
        int parts = (int)Math.Min(Math.Min(_workers.Length, units), shares);
        _running = parts - 1;
        for (int i = 1; i < parts; i++)
        {
            _workers[i].Begin(work, units * i / parts, units * (i + 1) / parts);
        }

        Exception? failure = Try(work, 0, 0, units / Math.Max(1, parts));
        SpinWait spin = default;
        while (Volatile.Read(ref _running) != 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        int failed = 0;
        for (int i = 1; i < parts; i++)
        {
            Exception? other = _workers[i].TakeFailure();
            (failure, failed) = failure is null && other is not null ? (other, i) : (failure, failed);
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
        ObjectDisposedException.ThrowIf(_stopping, this);
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
        _stopping = true;
        for (int i = 1; i < _workers.Length; i++)
        {
            _workers[i]?.Dispose();
        }

        for (int i = 0; i < _scratch.Length; i++)
        {
            NativeMemory.AlignedFree((void*)_scratch[i]);
            _scratch[i] = 0;
        }

        _scratchBytes = 0;
    }

    private static Exception? Try(Work work, int worker, long begin, long end)
    {
        try
        {
            work(worker, begin, end);
            return null;
        }
        catch (Exception e)
        {
            // A worker's exception belongs to the launch, whose caller gets it; on a bare thread it would end the process.
            return e;
        }
    }

    /// <summary>One thread and its letter box.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly WorkerPool _pool;
        private readonly int _index;
        private readonly Thread _thread;
        private readonly AutoResetEvent _wake = new(false);
        private Work? _work;
        private long _begin;
        private long _end;
        private Exception? _failure;
        private int _letters;
        private int _parked;
        private bool _disposed;

        public Worker(WorkerPool pool, int index)
        {
            _pool = pool;
            _index = index;
            _thread = new Thread(Loop) { IsBackground = true, Name = $"cpu worker {index}" };
            _thread.Start();
        }

        public void Begin(Work work, long begin, long end)
        {
            (_work, _begin, _end) = (work, begin, end);
            Post();
        }

        public Exception? TakeFailure()
        {
            Exception? failure = _failure;
            _failure = null;
            return failure;
        }

        public void Dispose()
        {
            if (!_disposed)
            {
                _disposed = true;
                Post();
                _thread.Join();
                _wake.Dispose();
            }
        }

        private void Post()
        {
            Interlocked.Increment(ref _letters);
            if (Interlocked.Exchange(ref _parked, 0) == 1)
            {
                _wake.Set();
            }
        }

        private void Loop()
        {
            for (int read = 0; ; read++)
            {
                WaitForLetter(read);
                if (_pool._stopping)
                {
                    return;
                }

                _failure = Try(_work!, _index, _begin, _end);
                Interlocked.Decrement(ref _pool._running);
            }
        }

        private void WaitForLetter(int read)
        {
            for (int i = 0; i < _pool._spinRounds && Volatile.Read(ref _letters) == read; i++)
            {
                Thread.SpinWait(SpinsPerRound);
            }

            while (Volatile.Read(ref _letters) == read)
            {
                // Parked is said before the last look, and the poster posts before it looks at parked: one of the two sees the other.
                Interlocked.Exchange(ref _parked, 1);
                if (Volatile.Read(ref _letters) == read || Interlocked.Exchange(ref _parked, 0) == 0)
                {
                    _wake.WaitOne();
                }
            }
        }
    }
}
