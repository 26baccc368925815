using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.ToyBackends;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>A late device driven by hand: x + y over [T, 5], whose host bytes of x it wants.</summary>
internal sealed class LateRig : IDisposable
{
    public const int Width = 5;
    public const int Pitch = 16;

    public LateRig(LateOptions? options = null)
    {
        new ReferenceBackend().Open(0, Attributes.Empty, out IDevice? inner);
        Inner = inner!;
        options ??= new LateOptions();
        var hostOperands = options.HostOperands.SetItem("binary", 0b01);
        Backend = new(Inner, options with { Delay = TimeSpan.FromMinutes(10), HostOperands = hostOperands });
        Backend.Open(0, Attributes.Empty, out IDevice? device);
        Device = device!;
        Device.CreateStream(out IStream? stream);
        Stream = stream!;
        Device.Prepare(Add, [null, null], out IKernel? kernel);
        Kernel = kernel!;
    }

    public static OpDescriptor Add { get; } = new(
        "binary", new Attributes(("kind", "add")), [Rows(TensorRole.Input), Rows(TensorRole.Input)], [Rows(TensorRole.Result)],
        new(4, 1, 1, 1), Precision.Exact);

    /// <summary>While it is locked, late work cannot go on.</summary>
    public IDevice Inner { get; }

    public LateBackend Backend { get; }

    public IDevice Device { get; }

    public IStream Stream { get; }

    public IKernel Kernel { get; }

    /// <summary>x, y and the result of a launch, one buffer, with the workspace in its last quarter; each has its own part.</summary>
    public (IBuffer Buffer, Argument[] Arguments) Arguments(IBuffer hostBytes)
    {
        IBuffer buffer = Allocate(MemoryKind.Device, 4096);
        return (buffer, [.. Enumerable.Range(0, 3).Select(i => new Argument
        {
            Buffer = buffer,
            Offset = i * 1024,
            Strides = [Pitch, 1],
            HostBytes = i == 0 ? hostBytes.HostAddress : 0,
        })]);
    }

    public IBuffer Allocate(MemoryKind kind, long bytes)
    {
        Device.Allocate(kind, bytes, out IBuffer? buffer);
        return buffer!;
    }

    public Status Launch(IBuffer buffer, Argument[] arguments, long rows = 2) =>
        Stream.Launch(Kernel, new(rows, 1, 1, 1), arguments, buffer, 3072);

    /// <summary>The stream reports a failure, which names what is wrong, until one synchronize has cleared it.</summary>
    public void RequireBreach(string what)
    {
        Assert.Contains(Backend.Violations, v => v.Contains(what, StringComparison.Ordinal));
        Stream.Record(out ulong ticket);
        Assert.Equal(StatusCode.LaunchFailed, Stream.Wait(ticket).Code);
        Assert.Equal(StatusCode.LaunchFailed, Stream.Wait(ticket).Code);
        Assert.Contains(what, Stream.Synchronize().Message, StringComparison.Ordinal);
        Assert.True(Stream.Synchronize().IsOk);
    }

    public static Span<float> Floats(IBuffer pinned) => MemoryMarshal.Cast<byte, float>(Bytes(pinned));

    public static unsafe Span<byte> Bytes(IBuffer pinned) => new((void*)pinned.HostAddress, (int)pinned.Bytes);

    public void Dispose() => Inner.Dispose();

    private static TensorDescriptor Rows(TensorRole role) => new(ElementType.F32, [Dim.T, (Dim)(long)Width], role, Strided: false);
}
