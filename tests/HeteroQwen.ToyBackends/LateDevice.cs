using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

internal sealed class LateDevice : IDevice
{
    private int _inside;

    public LateDevice(LateBackend backend, IDevice inner, LateOptions options)
    {
        (Backend, Inner, Options) = (backend, inner, options);
        Capabilities = inner.Capabilities with
        {
            RowMultiple = options.RowMultiple,
            Alignment = options.Alignment,
            LengthAlignment = options.LengthAlignment,
            LargestBuffer = options.LargestBuffer,
            PageSize = options.PageSize,
            MemoryBytes = 0,
            RoundsBindings = true,
        };
    }

    public LateBackend Backend { get; }

    /// <summary>Called under a lock on itself: by the caller's thread for prepare, by the streams' threads for launches.</summary>
    public IDevice Inner { get; }

    public LateOptions Options { get; }

    public Capabilities Capabilities { get; }

    public Status Supports(OpDescriptor op, out Support support)
    {
        using Call call = Enter("supports");
        support = Support.No("late does not run it");
        lock (Inner)
        {
            return Options.Runs(op) ? Inner.Supports(Dense(op), out support) : Status.Ok;
        }
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        using Call call = Enter("prepare");
        kernel = null;
        lock (Inner)
        {
            Status status = Inner.Prepare(Dense(op), constants, out IKernel? inner);
            kernel = status.IsOk ? new LateKernel(this, op, inner!) : null;
            return status;
        }
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        using Call call = Enter("allocate");
        bool allowed = bytes > 0 && bytes <= Options.LargestBuffer;
        buffer = allowed ? new LateBuffer(this, kind, bytes) : null;
        return allowed ? Status.Ok : Backend.Violate($"allocate: {bytes} bytes, the largest buffer is {Options.LargestBuffer}");
    }

    public Status CreateStream(out IStream? stream)
    {
        using Call call = Enter("create stream");
        stream = new LateStream(this);
        return Status.Ok;
    }

    public void Dispose() => Enter("release of the device").Dispose();

    /// <summary>Every entry passes here: two at a time break the contract.</summary>
    public Call Enter(string what)
    {
        if (Interlocked.Increment(ref _inside) > 1)
        {
            Backend.Violate($"{what}: another thread is inside the device");
        }

        return new(this);
    }

    /// <summary>The inner device gets operands without padding and strides.</summary>
    private static OpDescriptor Dense(OpDescriptor op) => op with { Operands = [.. op.Operands.Select(o => o with { Strided = false })] };

    internal readonly ref struct Call(LateDevice device)
    {
        public void Dispose() => Interlocked.Decrement(ref device._inside);
    }
}

/// <summary>What is released once, after the last work that uses it has been seen to complete.</summary>
internal abstract class LateHandle(LateDevice device, string name)
{
    private LateStream? _stream;
    private long _used;
    private long _written;

    public LateDevice Device => device;

    public string Name => name;

    public bool IsReleased { get; private set; }

    /// <summary>Whether work that uses it has not been seen to complete.</summary>
    public bool IsPending => _stream is not null && _used > _stream.Observed;

    public bool IsBeingWritten => _stream is not null && _written > _stream.Observed;

    public void UseBy(LateStream stream, long work, bool writes) => (_stream, _used, _written) = (stream, work, writes ? work : _written);

    /// <summary>Whether the memory behind may go: not where that would turn a breach into a crash.</summary>
    protected bool Release()
    {
        using LateDevice.Call call = device.Enter($"release of {name}");
        if (IsReleased)
        {
            device.Backend.Violate($"{name} is released twice");
            return false;
        }

        IsReleased = true;
        if (IsPending)
        {
            device.Backend.Violate($"{name} is released while work that uses it is pending");
            return false;
        }

        return true;
    }
}

internal sealed unsafe class LateBuffer(LateDevice device, MemoryKind kind, long bytes)
    : LateHandle(device, $"a buffer of {bytes} bytes"), IBuffer
{
    public byte* Address { get; } = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)device.Options.Alignment);

    public long Bytes => bytes;

    public bool IsPinned => kind == MemoryKind.PinnedHost;

    public nint HostAddress => IsPinned ? (nint)Address : 0;

    public Span<byte> Span(long offset, long length) => new(Address + offset, checked((int)length));

    public bool Holds(long offset, long length) => offset >= 0 && length >= 0 && offset <= bytes - length;

    public void Dispose()
    {
        if (Release())
        {
            NativeMemory.AlignedFree(Address);
        }
    }
}

internal sealed class LateKernel : LateHandle, IKernel
{
    public LateKernel(LateDevice device, OpDescriptor op, IKernel inner)
        : base(device, $"the kernel of {op.Name}")
    {
        (Op, Inner) = (op, inner);
        ulong inputs = op.Operands.Select((o, i) => o.Role == TensorRole.Input ? 1UL << i : 0).Aggregate(0UL, (x, y) => x | y);
        ulong wanted = device.Options.HostOperands.GetValueOrDefault(op.Name) & inputs;
        Info = inner.Info with { HostOperands = inner.Info.HostOperands | wanted };
        OpCatalog.TryGet(op.Name, out OpDefinition? definition);
        Updates = [.. definition!.StateUpdates];
    }

    public OpDescriptor Op { get; }

    public IKernel Inner { get; }

    public KernelInfo Info { get; }

    /// <summary>Pairs (operand, result) of states written in place.</summary>
    public (int Operand, int Result)[] Updates { get; }

    /// <summary>Bytes of its own that every launch asks for, the inner kernel's aside.</summary>
    public static long WorkspaceBytes(in Bindings bindings) => 64 + (16 * (bindings.T + bindings.N));

    public Status Workspace(in Bindings bindings, out long bytes)
    {
        using LateDevice.Call call = Device.Enter("workspace");
        bytes = WorkspaceBytes(bindings);
        return Status.Ok;
    }

    public void Dispose()
    {
        if (Release())
        {
            lock (Device.Inner)
            {
                Inner.Dispose();
            }
        }
    }
}
