using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Roofs;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu;

/// <summary>The device: its workers and the table of its kernels. Its tier is one of those that run here, the best unless given.</summary>
internal sealed class CpuDevice(int threads, CpuTier? tier = null, long smallestShare = WorkerPool.UsualShare) : IDevice
{
    private readonly WorkerPool _pool = new(threads, smallestShare) { Tier = tier ?? CpuTiers.Here[0] };

    internal WorkerPool Pool => _pool;

    internal CpuTier Tier => _pool.Tier;

    internal HostConstants Constants { get; } = new("cpu", CpuBackend.MemoryBytes, threads);

    public Capabilities Capabilities { get; } = new()
    {
        Types = [.. ElementTypes.All],
        Alignment = CpuBuffer.Alignment,
        MemoryBytes = CpuBackend.MemoryBytes,
        Determinism = Determinism.BatchInvariant,
        Numerics = [Quantised("linear"), Quantised("moe_ffn")],
    };

    /// <summary>In fast, products with quantised weights round activations to int8, per 32; no other rounds more.</summary>
    private static Numerics Quantised(string op) => new(
        op, Precision.Fast, new Rounding(RoundingKind.Int8, 0, 0, ActivationRows.Group, false), Rounding.None, Rounding.None, 24, false);

    public Status Supports(OpDescriptor op, out Support support)
    {
        support = KernelTable.Supports(op);
        return Status.Ok;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        kernel = null;
        Support support = KernelTable.Supports(op);
        if (!support.IsSupported)
        {
            return Status.Unsupported($"cpu: {op}: {support.Reason}");
        }

        // What a kernel packs is read while it is prepared, and needs no memory of the host's besides.
        ConstantData?[] leased = constants is null ? null! : [.. constants.Select((c, i) => i < op.Operands.Length && KernelTable.Packs(op, i) ? null : c)];
        Status held = Constants.Acquire(leased, out HostConstantLease? lease, KernelTable.MakesRows(op.Name));
        if (!held.IsOk)
        {
            return held;
        }

        try
        {
            CpuKernel prepared = KernelTable.Create(op, [.. lease!.Constants.Select((c, i) => c ?? constants![i])], _pool);
            prepared.Lease = lease;
            if (!prepared.Info.KeepsHostConstants)
            {
                lease.Dispose();
            }

            kernel = prepared;
            return Status.Ok;
        }
        catch (Exception e) when (e is ArgumentException or ObjectDisposedException)
        {
            return Status.InvalidArgument($"cpu: {op}: {e.Message}");
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            return Status.OutOfMemory($"cpu: {op}: the kernel's own memory cannot be had; lower the maxima");
        }
        finally
        {
            if (kernel is null)
            {
                lease!.Dispose();
            }
        }
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        buffer = null;
        if (bytes <= 0)
        {
            return Status.InvalidArgument($"cpu: a buffer of {bytes} bytes was asked for");
        }

        try
        {
            buffer = new CpuBuffer(bytes);
            return Status.Ok;
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            return Status.OutOfMemory($"cpu: no memory for a buffer of {bytes} bytes");
        }
    }

    public Status CreateStream(out IStream? stream)
    {
        stream = new CpuStream();
        return Status.Ok;
    }

    /// <summary>All products are f32 multiply-adds, whatever the weights are.</summary>
    public Status MeasurePeaks(Precision precision, ElementType weights, out Peaks peaks)
    {
        peaks = default;
        try
        {
            peaks = new PeakMeter(_pool).Measure();
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory("cpu: no memory for a buffer larger than the caches, by which reading is measured");
        }
    }

    public void Dispose() => _pool.Dispose();
}
