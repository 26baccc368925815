using HeteroQwen.Backends.OpenCL.Kernels;
using HeteroQwen.Ir;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>An open device: its context, a queue for transfers of its own, programs and constants.</summary>
internal sealed unsafe class OpenClDevice : IDevice
{
    private nint _context;

    private OpenClDevice(CL cl, DeviceFacts facts, Tuning tuning, BinaryStore? store, nint context, nint queue)
    {
        (Cl, Facts, Tuning, _context, TransferQueue) = (cl, facts, tuning, context, queue);
        Label = $"opencl ({facts.Name})";
        Memory = new DeviceMemory(cl, context, facts, Label);
        Constants = new ConstantStore(this);
        Programs = new ProgramCache(cl, context, facts, Label, store);
        Capabilities = new()
        {
            Types = [.. ElementTypes.All],
            FastExpansion = ElementType.F16,
            Alignment = facts.Alignment,
            LargestBuffer = facts.LargestBuffer,
            MemoryBytes = facts.MemoryBytes,
            Determinism = Determinism.RunToRun,
            Numerics = facts.KeepsSubnormals ? [] : [.. Enum.GetValues<Precision>().Select(Flushing)],
        };
    }

    public Capabilities Capabilities { get; }

    public CL Cl { get; }

    public DeviceFacts Facts { get; }

    public Tuning Tuning { get; }

    /// <summary>For messages.</summary>
    public string Label { get; }

    /// <summary>Uploads of constants and the mapping of pinned memory; each such call waits until it is done.</summary>
    public nint TransferQueue { get; private set; }

    public DeviceMemory Memory { get; }

    public ConstantStore Constants { get; }

    public ProgramCache Programs { get; }

    public static Status Create(CL cl, DeviceFacts facts, Tuning tuning, BinaryStore? store, out IDevice? device)
    {
        device = null;
        string label = $"opencl ({facts.Name})";
        int error;
        nint id = facts.Device;
        nint context = cl.CreateContext(null, 1, &id, null, null, &error);
        if (error != ClErrors.Success || context == 0)
        {
            return ClErrors.Of(error, $"{label}: creating a context");
        }

        nint queue = cl.CreateCommandQueue(context, id, CommandQueueProperties.None, &error);
        if (error != ClErrors.Success || queue == 0)
        {
            cl.ReleaseContext(context);
            return ClErrors.Of(error, $"{label}: creating a queue");
        }

        device = new OpenClDevice(cl, facts, tuning, store, context, queue);
        return Status.Ok;
    }

    public Status Supports(OpDescriptor op, out Support support)
    {
        support = KernelTable.Supports(op, Facts);
        return Status.Ok;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        kernel = null;
        Support support = KernelTable.Supports(op, Facts);
        if (!support.IsSupported)
        {
            return Status.Unsupported($"{Label}: {op}: {support.Reason}");
        }

        ClKernel made = KernelTable.Create(this, op);
        try
        {
            made.Prepare(constants);
            kernel = made;
            return Status.Ok;
        }
        catch (StatusException e)
        {
            return e.Status;
        }
        catch (ArgumentException e)
        {
            return Status.InvalidArgument($"{Label}: {op}: {e.Message}");
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            return Status.OutOfMemory($"{Label}: {op}: the kernel's own memory cannot be had; lower the maxima");
        }
        finally
        {
            if (kernel is null)
            {
                made.Dispose();
            }
        }
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        buffer = null;
        return bytes > 0 && bytes <= Facts.LargestBuffer
            ? OpenClBuffer.Create(this, kind, bytes, out buffer)
            : bytes <= 0
            ? Status.InvalidArgument($"{Label}: a buffer of {bytes} bytes was asked for")
            : Status.OutOfMemory($"{Label}: a buffer of {bytes} bytes was asked for, the device's largest has {Facts.LargestBuffer}");
    }

    public Status CreateStream(out IStream? stream)
    {
        Status status = CreateQueue(out nint queue);
        stream = status.IsOk ? new OpenClStream(this, queue) : null;
        return status;
    }

    public void Dispose()
    {
        if (_context == 0)
        {
            return;
        }

        Programs.Dispose();
        Cl.ReleaseCommandQueue(TransferQueue);
        Cl.ReleaseContext(_context);
        (_context, TransferQueue) = (0, 0);
    }

    private static Numerics Flushing(Precision precision) => new("*", precision, Rounding.None, Rounding.None, Rounding.None, 24, true);

    private Status CreateQueue(out nint queue)
    {
        int error;
        queue = Cl.CreateCommandQueue(_context, Facts.Device, CommandQueueProperties.None, &error);
        return ClErrors.Of(error, $"{Label}: creating a queue");
    }
}
