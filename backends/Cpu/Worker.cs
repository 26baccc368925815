using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Emission;

namespace HeteroQwen.Backends.Cpu;

/// <summary>
/// A thread of a <see cref="WorkerPool"/> and its letter box. The caller posts a letter, the worker takes it and then runs of the
/// launch; a letter that was not taken when the launch is done is taken back.
/// </summary>
internal sealed class Worker : IDisposable
{
    private const int SpinRounds = 2000;
    private const int SpinsPerRound = 4;

    /// <summary>Rounds, about a microsecond, after which a worker that spins lets others run: the caller may wait for this very core.</summary>
    private const int RoundsPerYield = 16;

    private const int Empty = 0, Posted = 1, Taken = 2;

    private readonly WorkerPool _pool;
    private readonly int _index;
    private readonly int _spinRounds;
    private readonly Thread _thread;
    private readonly AutoResetEvent _wake = new(false);
    private Exception? _failure;
    private Box _box;
    private bool _disposed;

    public Worker(WorkerPool pool, int index, bool spins)
    {
        (_pool, _index, _spinRounds) = (pool, index, spins ? SpinRounds : 0);
        _thread = new Thread(Loop) { IsBackground = true, Name = $"cpu worker {index}" };
        _thread.Start();
    }

    /// <summary>Asks the worker to take part in the launch that the pool has laid out.</summary>
    public void Post()
    {
        Interlocked.Exchange(ref _box.Letter, Posted);
        if (Volatile.Read(ref _box.Parked) == 1 && Interlocked.Exchange(ref _box.Parked, 0) == 1)
        {
            _wake.Set();
        }
    }

    /// <summary>Waits until the worker has done what it has begun, if it has begun; what it threw, or null.</summary>
    public Exception? Collect()
    {
        if (Interlocked.CompareExchange(ref _box.Letter, Empty, Posted) == Posted)
        {
            return null;
        }

        SpinWait spin = default;
        while (Volatile.Read(ref _box.Letter) != Empty)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

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

    private void Loop()
    {
        while (true)
        {
            WaitForLetter();
            if (_pool.IsStopping)
            {
                TileThread.Release();
                return;
            }

            if (Interlocked.CompareExchange(ref _box.Letter, Taken, Posted) == Posted)
            {
                _failure = _pool.TakeRuns(_index);
                Volatile.Write(ref _box.Letter, Empty);
            }
        }
    }

    private void WaitForLetter()
    {
        for (int i = 1; i <= _spinRounds && Volatile.Read(ref _box.Letter) != Posted; i++)
        {
            Thread.SpinWait(SpinsPerRound);
            if (i % RoundsPerYield == 0)
            {
                Thread.Yield();
            }
        }

        while (Volatile.Read(ref _box.Letter) != Posted)
        {
            // Parked is said before the last look, and the poster posts before it looks at parked: one of the two sees the other.
            Interlocked.Exchange(ref _box.Parked, 1);
            if (Volatile.Read(ref _box.Letter) == Posted && Interlocked.Exchange(ref _box.Parked, 0) == 1)
            {
                return;
            }

            _wake.WaitOne();
        }
    }

    /// <summary>What caller and worker pass to each other, apart from the memory of other workers.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 3 * CpuBuffer.Alignment)]
    private struct Box
    {
        [FieldOffset(CpuBuffer.Alignment)]
        public int Letter;

        [FieldOffset(CpuBuffer.Alignment + sizeof(int))]
        public int Parked;
    }
}
