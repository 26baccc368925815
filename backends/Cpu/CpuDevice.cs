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

    public Capabilities Capabilities { get; } = Declare(tier ?? CpuTiers.Here[0]);

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

    public Status MeasurePeaks(Precision precision, ElementType weights, out Peaks peaks)
    {
        peaks = default;
        try
        {
            using PeakUnit unit = PeakUnit.Of(Tier, precision, weights);
            peaks = new PeakMeter(_pool).Measure(unit);
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory("cpu: no memory for a buffer larger than the caches, by which reading is measured");
        }
        catch (WorkerException e)
        {
            return new(StatusCode.Internal, $"cpu: peaks could not be measured ({e.InnerException!.Message})");
        }
    }

    public void Dispose() => _pool.Dispose();

    /// <summary>With AMX, many rows are added in another order than few.</summary>
    private static Capabilities Declare(CpuTier tier) => new()
    {
        Types = [.. ElementTypes.All],
        Alignment = CpuBuffer.Alignment,
        MemoryBytes = CpuBackend.MemoryBytes,
        Determinism = tier == CpuTier.Amx ? Determinism.RunToRun : Determinism.BatchInvariant,
        Numerics = [Packed("linear", tier), Packed("moe_ffn", tier)],
    };

    /// <summary>
    /// In fast, products with quantised weights round activations to int8, per 32, which covers the BF16 of other products; no other
    /// rounds more. On tiles weights are BF16, and products in BF16 know no subnormals.
    /// </summary>
    private static Numerics Packed(string op, CpuTier tier) => new(
        op,
        Precision.Fast,
        new Rounding(RoundingKind.Int8, 0, 0, ActivationRows.Group, false),
        tier == CpuTier.Amx ? new Rounding(RoundingKind.Float, 8, 127, 0, false) : Rounding.None,
        Rounding.None,
        24,
        tier == CpuTier.Amx || (tier.IsEmitted() && BrainProduct.Takes(ElementType.BF16)));
}
