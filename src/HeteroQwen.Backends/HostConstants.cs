using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>
/// Host memory for generated constants, for devices that read weights where they lie: each identity's bytes are made once, whoever
/// reads them (a tied embedding is read by two kernels), and are freed when the last reader is released. Constants that lie in host
/// memory already pass through. One for each device; calls come from one thread at a time, as those for a device do.
/// </summary>
/// <param name="device">Name of the device, for messages.</param>
/// <param name="memoryBytes">A constant beyond this is refused before it is allocated.</param>
/// <param name="threads">Threads that make the bytes, which do not depend on their number.</param>
public sealed class HostConstants(string device, long memoryBytes, int threads)
{
    private const int Alignment = 64;

    /// <summary>Elements that a thread makes at a time: whole blocks of every type.</summary>
    private const long ChunkElements = 1 << 20;

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Bytes held now.</summary>
    public long Bytes => _entries.Values.Sum(e => e.Data.Bytes);

    /// <summary>
    /// Gives each generated constant of a kernel its memory; the lease is released with the kernel, or once the kernel has packed them.
    /// </summary>
    /// <param name="constants">As the kernel's operands.</param>
    /// <param name="lease">The same, in memory; null unless ok.</param>
    /// <param name="generated">Bit i: operand i stays generated, for a kernel that makes the few bytes it reads when it reads them.</param>
    public Status Acquire(ConstantData?[] constants, out HostConstantLease? lease, ulong generated = 0)
    {
        lease = null;
        if (constants is null)
        {
            return Status.InvalidArgument($"{device}: no list of constants was given");
        }

        HostConstantLease acquired = new(this, [.. constants]);
        for (int i = 0; i < constants.Length; i++)
        {
            if (constants[i] is not { Generator: not null } constant || (i < 64 && (generated >> i & 1) != 0))
            {
                continue;
            }

            Status status = Acquire(constant, out ConstantData? inMemory);
            if (!status.IsOk)
            {
                acquired.Dispose();
                return status;
            }

            acquired.Hold(i, inMemory!);
        }

        lease = acquired;
        return Status.Ok;
    }

    internal unsafe void Release(string identity)
    {
        Entry entry = _entries[identity];
        if (--entry.Readers == 0)
        {
            _entries.Remove(identity);
            NativeMemory.AlignedFree((void*)entry.Data.Ranges[0].Address);
        }
    }

    private Status Acquire(ConstantData constant, out ConstantData? inMemory)
    {
        inMemory = null;
        if (!_entries.TryGetValue(constant.Identity, out Entry? entry))
        {
            Status status = Make(constant, out ByteRange range);
            if (!status.IsOk)
            {
                return status;
            }

            entry = new Entry(constant with { Ranges = [range], Generator = null });
            _entries.Add(constant.Identity, entry);
        }

        entry.Readers++;
        inMemory = entry.Data with { Shape = constant.Shape };
        return Status.Ok;
    }

    private unsafe Status Make(ConstantData constant, out ByteRange range)
    {
        range = default;
        void* address = null;
        try
        {
            long bytes = constant.Bytes;

            // Beyond physical memory an allocation may succeed and the first touch kill the process.
            if (bytes > memoryBytes - Bytes)
            {
                long left = Math.Max(0, memoryBytes - Bytes);
                return Status.OutOfMemory($"{device}: {constant.Identity} takes {bytes} bytes and {left} are left");
            }

            address = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
            Fill(constant, (nint)address, bytes);
            range = new ByteRange((nint)address, bytes);
            return Status.Ok;
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            NativeMemory.AlignedFree(address);
            return Status.OutOfMemory($"{device}: no memory for the generated constant {constant.Identity}");
        }
        catch (ArgumentException e)
        {
            NativeMemory.AlignedFree(address);
            return Status.InvalidArgument($"{device}: {e.Message}");
        }
    }

    private void Fill(ConstantData constant, nint address, long bytes)
    {
        long chunk = constant.Type.Bytes(ChunkElements);
        long next = 0;
        void Work()
        {
            for (long at; (at = Interlocked.Add(ref next, chunk) - chunk) < bytes;)
            {
                constant.Read(at, (nint)(address + at), Math.Min(chunk, bytes - at));
            }
        }

        // What a constant can have wrong shows in its first block already: here, and not on a thread whose exception ends the process.
        constant.Read(0, address, Math.Min(constant.Type.BlockBytes(), bytes));
        List<Thread> helpers = [];
        try
        {
            for (long wanted = Math.Min(bytes / chunk, threads - 1); helpers.Count < wanted;)
            {
                Thread helper = new(Work);
                helper.Start();
                helpers.Add(helper);
            }
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // Those that started do the work of all.
        }

        Work();
        helpers.ForEach(t => t.Join());
    }

    private sealed class Entry(ConstantData data)
    {
        public ConstantData Data => data;

        public int Readers { get; set; }
    }
}

/// <summary>The constants of one kernel, all in host memory until the lease is released.</summary>
public sealed class HostConstantLease : IDisposable
{
    private readonly HostConstants _owner;
    private readonly List<string> _held = [];

    internal HostConstantLease(HostConstants owner, ConstantData?[] constants) => (_owner, Constants) = (owner, constants);

    /// <summary>As the kernel's operands; none is generated but those that were to stay so.</summary>
    public ConstantData?[] Constants { get; }

    public void Dispose()
    {
        _held.ForEach(_owner.Release);
        _held.Clear();
    }

    internal void Hold(int operand, ConstantData inMemory)
    {
        Constants[operand] = inMemory;
        _held.Add(inMemory.Identity);
    }
}
