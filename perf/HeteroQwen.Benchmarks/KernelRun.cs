using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Ir;

namespace HeteroQwen.Benchmarks;

/// <summary>One operand: seeded values of its type, or the integers given.</summary>
internal sealed record Operand(TensorType Type, TensorRole Role, int[]? Values = null);

/// <summary>One op prepared on the CPU through the contract alone, with its memory, ready to be launched any number of times.</summary>
internal sealed class KernelRun : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();
    private readonly Bindings _bindings;
    private readonly IKernel _kernel;
    private readonly IStream _stream;
    private readonly Argument[] _arguments;
    private readonly IBuffer? _workspace;
    private readonly IDevice _device;

    public KernelRun(
        OpDefinition op, Operand[] operands, Attributes attributes, Bindings bindings, Precision precision = Precision.Fast)
    {
        _bindings = bindings;
        Check(new CpuBackend().Open(0, Attributes.Empty, out IDevice? device));
        _device = Own(device!);
        ImmutableArray<TensorType> results = op.Infer([.. operands.Select(o => o.Type)], attributes);
        OpDescriptor descriptor = new(
            op.Name, attributes, [.. operands.Select(o => Describe(o.Type, o.Role))],
            [.. results.Select(r => Describe(r, TensorRole.Result))], bindings, precision);
        ConstantData?[] constants = [.. operands.Select((o, i) => o.Role == TensorRole.Constant ? Seeded(o.Type, i) : null)];
        Check(_device.Prepare(descriptor, constants, out IKernel? kernel));
        _kernel = Own(kernel!);
        Check(_device.CreateStream(out IStream? stream));
        _stream = Own(stream!);
        _arguments = [.. operands.Select(Argument), .. results.Select(r => Place(r))];
        Check(_kernel.Workspace(bindings, out long bytes));
        _workspace = bytes > 0 ? Allocate(bytes) : null;
    }

    /// <summary>Runs the op and waits for it.</summary>
    public void Launch()
    {
        Check(_stream.Launch(_kernel, _bindings, _arguments, _workspace, 0));
        Check(_stream.Synchronize());
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private Argument Argument(Operand operand, int index)
    {
        if (operand.Role == TensorRole.Constant)
        {
            return new Argument { Strides = new long[operand.Type.Rank] };
        }

        Argument argument = Place(operand.Type);
        nint memory = argument.Buffer!.HostAddress;
        if (operand.Values is { } values)
        {
            Marshal.Copy(values, 0, memory, values.Length);
        }
        else
        {
            ConstantData seeded = Seeded(operand.Type, index);
            seeded.Read(0, memory, seeded.Bytes);
        }

        return argument;
    }

    private Argument Place(TensorType type)
    {
        long[] dims = Resolve(type);
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; stride *= dims[i--])
        {
            strides[i] = stride;
        }

        return new Argument { Buffer = Allocate(type.Element.Bytes(stride)), Strides = strides };
    }

    private IBuffer Allocate(long bytes)
    {
        Check(_device.Allocate(MemoryKind.Device, bytes, out IBuffer? buffer));
        return Own(buffer!);
    }

    private ConstantData Seeded(TensorType type, int index) =>
        ConstantData.Generated($"operand{index}", type.Element, [.. Resolve(type)], new ConstantGenerator((ulong)index + 1, 0, 0.02));

    private long[] Resolve(TensorType type) => [.. type.Shape.Dims.ToArray().Select(d => d.Resolve(_bindings))];

    private static TensorDescriptor Describe(TensorType type, TensorRole role) => new(type.Element, [.. type.Shape.Dims], role, false);

    private static void Check(Status status)
    {
        if (!status.IsOk)
        {
            throw new InvalidOperationException($"{status.Code}: {status.Message}");
        }
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
