using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>What a session owns on one side: a stream, the arena, states, kernels, a workspace.</summary>
internal sealed class SideRuntime : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly HashSet<Bindings> _sized = [];
    private readonly List<IKernel> _kernels = [];
    private readonly Dictionary<uint, IBuffer> _patterns = [];
    private ulong _lastTicket;
    private bool _pending;

    public SideRuntime(Device device)
    {
        Device = device;
        device.Check(device.Handle.CreateStream(out IStream? stream), "create a stream");
        Stream = stream!;
    }

    public Device Device { get; }

    public IStream Stream { get; }

    public IBuffer? Workspace { get; private set; }

    public IBuffer Allocate(MemoryKind kind, long bytes, string what)
    {
        IBuffer buffer = Device.Allocate(kind, bytes, what);
        _owned.Add(buffer);
        return buffer;
    }

    public IKernel Prepare(LaunchStep step, ConstantData?[] constants)
    {
        Device.Check(Device.Handle.Prepare(step.Descriptor, constants, out IKernel? kernel), $"prepare {step.Label} = {step.Descriptor}");
        _kernels.Add(kernel!);
        return kernel!;
    }

    /// <summary>Gives the arena's storages and the states their buffers; states are zeros.</summary>
    public void AllocateStorages(Plan plan, Side side, in Bindings maxima)
    {
        Storage[] storages = [.. plan.Storages.Where(s => s.Side == side)];
        long[] slabs = ArenaPlanner.Assign(storages, Device, maxima);
        IBuffer[] buffers = [.. slabs.Select((bytes, i) => Allocate(MemoryKind.Device, bytes, $"arena {i}"))];
        foreach (Storage storage in storages.Where(s => s.Root.Last >= 0))
        {
            storage.Buffer = buffers[storage.Root.Slab];
        }

        foreach (Storage state in plan.States.Where(s => s.Side == side))
        {
            state.Buffer = Allocate(MemoryKind.Device, state.Bytes(maxima, Device.Capabilities), $"state %{state.Name}");
            Fill(state.Buffer, 0, state.Buffer.Bytes, 0);
        }
    }

    /// <summary>Grows the workspace to what all kernels need with these bindings, rounded up to powers of two. Between steps only.</summary>
    public void SizeWorkspace(in Bindings bindings, in Bindings maxima)
    {
        static long Up(long value, long most) => Math.Min((long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)value), most);
        Bindings rounded = new(Up(bindings.T, maxima.T), Up(bindings.N, maxima.N), Up(bindings.B, maxima.B), Up(bindings.R, maxima.R));
        if (!_sized.Add(rounded))
        {
            return;
        }

        long most = 0;
        foreach (IKernel kernel in _kernels)
        {
            Device.Check(kernel.Workspace(rounded, out long bytes), $"workspace for {rounded}");
            most = Math.Max(most, bytes);
        }

        if (most > (Workspace?.Bytes ?? 0))
        {
            WaitIdle();
            Workspace?.Dispose();
            Workspace = null;
            Workspace = Device.Allocate(MemoryKind.Device, Extent.RoundUp(most, Device.Capabilities.Alignment), "the workspace");
        }
    }

    public void Fill(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        long words = Extent.RoundUp(bytes, 4);
        words = Math.Min(words, (buffer.Bytes - offset) / 4 * 4);
        Status status = Stream.Fill(buffer, offset, words, pattern);
        if (status.Code == StatusCode.Unsupported)
        {
            FillByCopy(buffer, offset, bytes, pattern);
            return;
        }

        Device.Check(status, "fill");
        if (words < bytes)
        {
            FillByCopy(buffer, offset + words, bytes - words, pattern);
        }
    }

    public void Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes) =>
        Device.Check(Stream.Copy(destination, destinationOffset, source, sourceOffset, bytes), "copy");

    /// <summary>Marks the end of a step.</summary>
    public void Mark()
    {
        Device.Check(Stream.Record(out _lastTicket), "record");
        _pending = true;
    }

    /// <summary>Waits for the last marked step.</summary>
    public void WaitMarked()
    {
        if (_pending)
        {
            _pending = false;
            Device.Check(Stream.Wait(_lastTicket), "wait for the step");
        }
    }

    public void WaitIdle()
    {
        Mark();
        WaitMarked();
    }

    public void Dispose()
    {
        Stream.Synchronize();
        foreach (IKernel kernel in _kernels)
        {
            kernel.Dispose();
        }

        Workspace?.Dispose();
        foreach (IDisposable owned in Enumerable.Reverse(_owned))
        {
            owned.Dispose();
        }

        Stream.Dispose();
    }

    /// <summary>The default of the optional fill: copies from a pinned buffer that holds the pattern.</summary>
    private unsafe void FillByCopy(IBuffer buffer, long offset, long bytes, uint pattern)
    {
        if (!_patterns.TryGetValue(pattern, out IBuffer? source))
        {
            source = Allocate(MemoryKind.PinnedHost, 1 << 16, "a fill pattern");
            new Span<uint>((void*)source.HostAddress, (1 << 16) / 4).Fill(pattern);
            _patterns.Add(pattern, source);
        }

        for (long done = 0; done < bytes; done += source.Bytes)
        {
            Copy(buffer, offset + done, source, 0, Math.Min(source.Bytes, bytes - done));
        }
    }
}
