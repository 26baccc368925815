using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>
/// The smallest backend that is of use: it multiplies f32 matrices by weights, in memory of its own, and leaves all else to the
/// host. A new backend may start as a copy of this file: change the memory first, then the kernel, then add ops.
/// </summary>
public sealed class MatMulOnlyBackend : IBackend
{
    public string Name => "matmulonly";

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [new(0, "a toy that multiplies matrices", Available: true, Reason: null, MemoryBytes: 0, Tiers: [], Notes: [])];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = index == 0 && options.Count == 0 ? new MatMulOnlyDevice() : null;
        return device is not null ? Status.Ok
            : index != 0 ? new(StatusCode.Unavailable, $"matmulonly has no device {index}, only 0")
            : Status.InvalidArgument($"matmulonly has no option {options.First().Key}");
    }
}

internal sealed class MatMulOnlyDevice : IDevice
{
    /// <summary>What a chip asks for is said here; the runtime arranges it. This one wants its weights expanded to f32.</summary>
    public Capabilities Capabilities { get; } = new() { Types = [ElementType.F32], PageSize = 128 };

    public Status Supports(OpDescriptor op, out Support support)
    {
        support = op.Name != "matmul" ? Support.No("only matmul runs here")
            : op.Operands is not [{ Rank: 2, Role: not TensorRole.Constant }, { Role: TensorRole.Constant }] ? Support.No("only by weights")
            : op.Operands.Any(o => o.Element != ElementType.F32) ? Support.No("only f32")
            : Support.Yes(constantBytes: op.Operands[1].Elements(op.Maxima) * sizeof(float));
        return Status.Ok;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        Status status = Allocate(MemoryKind.Device, constants[1]!.Bytes, out IBuffer? weights);
        kernel = status.IsOk ? new MatMulKernel(op, ((ToyBuffer)weights!).Pack(constants[1]!)) : null;
        return status;
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        try
        {
            buffer = new ToyBuffer(kind, bytes);
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            buffer = null;
            return Status.OutOfMemory($"matmulonly has no {bytes} bytes left");
        }
    }

    public Status CreateStream(out IStream? stream) { stream = new ToyStream(); return Status.Ok; }

    public void Dispose() { }
}

/// <summary>To the runtime an opaque handle: it cannot reach device memory, only copy to and from it.</summary>
internal sealed unsafe class ToyBuffer(MemoryKind kind, long bytes) : IBuffer
{
    public byte* Address { get; } = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);

    public long Bytes => bytes;

    public nint HostAddress => kind == MemoryKind.PinnedHost ? (nint)Address : 0;

    public static float* Pointer(Argument argument) => (float*)(((ToyBuffer)argument.Buffer!).Address + argument.Offset);

    /// <summary>Takes a constant in. A chip that wants its weights tiled or transposed does so here, once.</summary>
    public ToyBuffer Pack(ConstantData constant)
    {
        constant.Read(0, (nint)Address, constant.Bytes);
        return this;
    }

    public void Dispose() => NativeMemory.AlignedFree(Address);
}

/// <summary>out[m, n] = sum over k of a[m, k] w[n, k].</summary>
internal sealed unsafe class MatMulKernel(OpDescriptor op, ToyBuffer weights) : IKernel
{
    public KernelInfo Info { get; } = new(
        ReadsOperands: 0b01, HostOperands: 0, InPlace: [], ReadsBack: false, KeepsHostConstants: false, ConstantBytes: weights.Bytes);

    public Status Workspace(in Bindings bindings, out long bytes) { bytes = 0; return Status.Ok; }

    public void Run(in Bindings bindings, Argument a, Argument result)
    {
        long columns = op.Operands[1].Dim(0, bindings), depth = op.Operands[1].Dim(1, bindings), count = op.Results[0].Elements(bindings);
        float* x = ToyBuffer.Pointer(a), y = ToyBuffer.Pointer(result);
        for (long i = 0; i < count; i++)
        {
            float* row = x + (i / columns * depth), column = (float*)weights.Address + (i % columns * depth);
            y[i] = 0;
            for (long k = 0; k < depth; k++)
            {
                y[i] += row[k] * column[k];
            }
        }
    }

    public void Dispose() => weights.Dispose();
}

/// <summary>Does its work at once, so every ticket is complete when it is given. A real device only enqueues here.</summary>
internal sealed unsafe class ToyStream : IStream
{
    private ulong _ticket;

    public Status Copy(IBuffer destination, long destinationOffset, IBuffer source, long sourceOffset, long bytes)
    {
        NativeMemory.Copy(((ToyBuffer)source).Address + sourceOffset, ((ToyBuffer)destination).Address + destinationOffset, (nuint)bytes);
        return Status.Ok;
    }

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        ((MatMulKernel)kernel).Run(bindings, arguments[0], arguments[^1]);
        return Status.Ok;
    }

    public Status Record(out ulong ticket) { ticket = ++_ticket; return Status.Ok; }

    public Status Query(ulong ticket, out bool complete) { complete = true; return Status.Ok; }

    public Status Wait(ulong ticket) => Status.Ok;

    public Status Synchronize() => Status.Ok;

    public void Dispose() { }
}
