using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.TestSupport;

/// <summary>Another backend's device that asks for something else, such as rounded bindings or small pages, or that does less.</summary>
internal sealed class TweakedBackend(IBackend inner, Func<Capabilities, Capabilities> tweak, Func<OpDescriptor, bool> refuses) : IBackend
{
    public string Name => inner.Name;

    public Status Devices(out ImmutableArray<DeviceInfo> devices) => inner.Devices(out devices);

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        Status status = inner.Open(index, options, out IDevice? opened);
        device = opened is null ? null : new Tweaked(opened, tweak(opened.Capabilities), refuses);
        return status;
    }

    private sealed class Tweaked(IDevice inner, Capabilities capabilities, Func<OpDescriptor, bool> refuses) : IDevice
    {
        public Capabilities Capabilities => capabilities;

        public Status Supports(OpDescriptor op, out Support support)
        {
            Status status = inner.Supports(op, out support);
            support = refuses(op) ? Support.No("refused by the test") : support;
            return status;
        }

        public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel) => inner.Prepare(op, constants, out kernel);

        public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer) => inner.Allocate(kind, bytes, out buffer);

        public Status CreateStream(out IStream? stream) => inner.CreateStream(out stream);

        public void Dispose() => inner.Dispose();
    }
}
