using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Tests.Ops;

/// <summary>What is wrong with a device.</summary>
internal sealed class Fault
{
    /// <summary>Changes operands before a launch; they are put back after it.</summary>
    public Action<Touch>? Before { get; init; }

    /// <summary>Changes i32 operands before a launch: index and values to values.</summary>
    public Func<int, int[], int[]>? BeforeInts { get; init; }

    /// <summary>Changes memory after a launch.</summary>
    public Action<Touch>? After { get; init; }

    /// <summary>Changes the op that is prepared.</summary>
    public Func<OpDescriptor, OpDescriptor>? Alter { get; init; }

    public bool Refuses { get; init; }

    /// <summary>Launches do nothing.</summary>
    public bool Skips { get; init; }

    public int Fired { get; set; }
}

/// <summary>The arguments of one launch in host memory.</summary>
internal sealed unsafe class Touch(OpDescriptor op, Argument[] arguments, Bindings bindings)
{
    public int Width(int operand) => (int)op.Operands[operand].Dim(-1, bindings);

    public int Count(int result) => (int)op.Results[result].Elements(bindings);

    /// <summary>Zeroes the elements of an operand, a dense one of f32, that a test names.</summary>
    public void ZeroOperand(int operand, Func<int, bool> which) => Zero(Span<float>(operand, op.Operands[operand]), which);

    /// <summary>Zeroes the elements of result 0 that a test names.</summary>
    public void ZeroResult(Func<int, bool> which) => Zero(Span<float>(op.Operands.Length, op.Results[0]), which);

    /// <summary>Turns the last axis of a result round.</summary>
    public void Reverse(int result)
    {
        Span<float> values = Span<float>(op.Operands.Length + result, op.Results[result]);
        int width = (int)op.Results[result].Dim(-1, bindings);
        for (int at = 0; at < values.Length; at += width)
        {
            values.Slice(at, width).Reverse();
        }
    }

    public void WriteBehindResult()
    {
        TensorDescriptor type = op.Results[0];
        byte* behind = (byte*)(arguments[op.Operands.Length].Buffer!.HostAddress + (nint)arguments[op.Operands.Length].Offset);
        behind[type.Element.Bytes(type.Elements(bindings))] = 0;
    }

    public void Ints(Func<int, int[], int[]> change)
    {
        for (int i = 0; i < op.Operands.Length; i++)
        {
            if (op.Operands[i].Element == ElementType.I32 && arguments[i].Buffer is not null)
            {
                Span<int> values = Span<int>(i, op.Operands[i]);
                change(i, values.ToArray()).CopyTo(values);
            }
        }
    }

    private static void Zero(Span<float> values, Func<int, bool> which)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = which(i) ? 0 : values[i];
        }
    }

    private Span<T> Span<T>(int argument, TensorDescriptor type)
        where T : unmanaged =>
        arguments[argument].Buffer is { } buffer && !type.Strided
            ? new((void*)(buffer.HostAddress + (nint)arguments[argument].Offset), (int)type.Elements(bindings)) : [];
}

/// <summary>The CPU backend with a fault.</summary>
internal sealed class FaultyDevice(Fault fault) : IBackend, IDevice
{
    private IDevice? _inner;

    public string Name => "faulty";

    public Capabilities Capabilities => _inner!.Capabilities;

    public Status Devices(out ImmutableArray<DeviceInfo> devices) => new CpuBackend().Devices(out devices);

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = this;
        return new CpuBackend().Open(index, options, out _inner);
    }

    public Status Supports(OpDescriptor op, out Support support) => _inner!.Supports(op, out support);

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        kernel = null;
        if (fault.Refuses)
        {
            fault.Fired++;
            return Status.Unsupported("changed its mind");
        }

        fault.Fired += fault.Alter is null ? 0 : 1;
        Status status = _inner!.Prepare(fault.Alter?.Invoke(op) ?? op, constants, out IKernel? inner);
        kernel = inner is null ? null : new Kernel(inner, op);
        return status;
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer) => _inner!.Allocate(kind, bytes, out buffer);

    public Status CreateStream(out IStream? stream)
    {
        Status status = _inner!.CreateStream(out IStream? inner);
        stream = inner is null ? null : new Stream(inner, fault);
        return status;
    }

    public void Dispose() => _inner?.Dispose();

    private sealed class Kernel(IKernel inner, OpDescriptor op) : IKernel
    {
        public IKernel Inner => inner;

        public OpDescriptor Op => op;

        public KernelInfo Info => inner.Info;

        public Status Workspace(in Bindings bindings, out long bytes) => inner.Workspace(bindings, out bytes);

        public void Dispose() => inner.Dispose();
    }

    private sealed class Stream(IStream inner, Fault fault) : IStream
    {
        public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes) =>
            inner.Copy(destination, destinationOffset, source, sourceOffset, bytes);

        public unsafe Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
        {
            var wrapped = (Kernel)kernel;
            fault.Fired++;
            if (fault.Skips)
            {
                return Status.Ok;
            }

            IBuffer[] operands = [.. arguments.Take(wrapped.Op.Operands.Length).Select(a => a.Buffer).OfType<IBuffer>()];
            byte[][] before = [.. operands.Select(b => new ReadOnlySpan<byte>((void*)b.HostAddress, (int)b.Bytes).ToArray())];
            Touch touch = new(wrapped.Op, arguments, bindings);
            fault.Before?.Invoke(touch);
            if (fault.BeforeInts is { } ints)
            {
                touch.Ints(ints);
            }

            Status status = inner.Launch(wrapped.Inner, bindings, arguments, workspace, workspaceOffset);
            inner.Synchronize();
            bool isInPlace = operands.Any(o => o == arguments[wrapped.Op.Operands.Length].Buffer);
            for (int i = 0; i < operands.Length && !isInPlace; i++)
            {
                Marshal.Copy(before[i], 0, operands[i].HostAddress, before[i].Length);
            }

            fault.After?.Invoke(touch);
            return status;
        }

        public Status Record(out ulong ticket) => inner.Record(out ticket);

        public Status Query(ulong ticket, out bool complete) => inner.Query(ticket, out complete);

        public Status Wait(ulong ticket) => inner.Wait(ticket);

        public Status Synchronize() => inner.Synchronize();

        public void Dispose() => inner.Dispose();
    }
}
