using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>One launch on the inner device, with buffers that go when it is over.</summary>
internal sealed unsafe class InnerRun : IDisposable
{
    private readonly IDevice _device;
    private readonly List<IDisposable> _owned = [];

    public InnerRun(IDevice device) => _device = device;

    public static byte* Address(in Argument argument) => (byte*)argument.Buffer!.HostAddress + argument.Offset;

    public Argument Allocate(TensorDescriptor type, long[] dims) => new()
    {
        Buffer = Allocate(type.Element.Bytes(dims.Aggregate(1L, (product, d) => product * d))),
        Strides = Strides.RowMajor(type, dims, 1),
    };

    public Status Launch(IKernel kernel, in Bindings bindings, Argument[] arguments)
    {
        kernel.Workspace(bindings, out long bytes);
        IBuffer? workspace = bytes > 0 ? Allocate(bytes) : null;
        _device.CreateStream(out IStream? stream);
        _owned.Add(stream!);
        Status status = stream!.Launch(kernel, bindings, arguments, workspace, 0);
        Status late = stream.Synchronize();
        return status.IsOk ? late : status;
    }

    public void Dispose() => _owned.ForEach(o => o.Dispose());

    private IBuffer Allocate(long bytes)
    {
        _device.Allocate(MemoryKind.Device, bytes, out IBuffer? buffer);
        _owned.Add(buffer!);
        return buffer!;
    }
}
