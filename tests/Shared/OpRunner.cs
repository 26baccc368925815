using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Tests;

/// <summary>A call over the backend line failed; the message is the status's.</summary>
public sealed class StatusException(string call, Status status) : Exception($"{call}: {status.Code}: {status.Message}")
{
    public Status Status { get; } = status;
}

/// <summary>
/// Runs one op on a device through the contract alone. Guard bytes stand around every tensor and the workspace, results, workspace
/// and row padding hold NaN before the launch, and operands must be unchanged after it.
/// </summary>
public static class OpRunner
{
    /// <summary>Offers, prepares and launches the op once and returns its results, dense.</summary>
    /// <param name="device">The device.</param>
    /// <param name="op">The op.</param>
    /// <param name="operands">Operands in order; a constant is passed to prepare.</param>
    /// <param name="attributes">Attributes; none if null.</param>
    /// <param name="bindings">Values of the symbols.</param>
    /// <param name="precision">Precision asked for.</param>
    /// <param name="maxima">Maxima of the symbols; the bindings themselves if null.</param>
    /// <param name="inPlace">Lays results over the operands for which the kernel declares that it may.</param>
    /// <exception cref="StatusException">A status was not ok, or the device says that it does not support the op.</exception>
    /// <exception cref="InvalidOperationException">The kernel broke a rule: wrote outside its results, changed an operand, ...</exception>
    public static TestTensor[] Run(
        IDevice device, OpDefinition op, IReadOnlyList<TestTensor> operands, Attributes? attributes = null, Bindings bindings = default,
        Precision precision = Precision.Exact, Bindings? maxima = null, bool inPlace = false)
    {
        OpDescriptor descriptor = Describe(op, operands, attributes ?? Attributes.Empty, maxima ?? bindings, precision);
        using OpRun run = new(device, op, descriptor, operands, bindings, inPlace);
        return run.Execute();
    }

    /// <summary>The op as it is offered to a device.</summary>
    public static OpDescriptor Describe(
        OpDefinition op, IReadOnlyList<TestTensor> operands, Attributes attributes, Bindings maxima, Precision precision = Precision.Exact)
    {
        ImmutableArray<TensorType> results = op.Infer([.. operands.Select(o => o.Type)], attributes);
        HashSet<int> states = [.. op.StateUpdates.Select(u => u.Result)];
        return new OpDescriptor(
            op.Name, attributes, [.. operands.Select(o => new TensorDescriptor(o.Element, o.Dims, o.Role, o.Strides is not null))],
            [.. results.Select((r, i) => new TensorDescriptor(
                r.Element, r.Shape.Dims, states.Contains(i) ? TensorRole.State : TensorRole.Result, false))],
            maxima, precision);
    }

    internal static void Check(string call, Status status)
    {
        if (!status.IsOk)
        {
            throw new StatusException(call, status);
        }
    }
}

/// <summary>One run of one op: what it allocates is released at the end.</summary>
internal sealed class OpRun(
    IDevice device, OpDefinition op, OpDescriptor descriptor, IReadOnlyList<TestTensor> operands, Bindings bindings, bool inPlace)
    : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();

    public TestTensor[] Execute()
    {
        OpRunner.Check("supports", device.Supports(descriptor, out Support support));
        if (!support.IsSupported)
        {
            throw new StatusException("supports", Status.Unsupported(support.Reason ?? "no reason given"));
        }

        for (int i = 0; i < operands.Count; i++)
        {
            Require(operands[i].Strides is null || (support.StridedOperands >> i & 1) != 0, $"operand {i} may not be strided");
        }

        HostConstant?[] constants =
            [.. operands.Select((o, i) => o.Role == TensorRole.Constant ? Own(new HostConstant($"constant{i}", o)) : null)];
        OpRunner.Check("prepare", device.Prepare(descriptor, [.. constants.Select(c => c?.Data)], out IKernel? kernel));
        Own(kernel!);
        if (!kernel!.Info.KeepsHostConstants)
        {
            // A kernel that says it has done with the host's memory must not miss it.
            Array.ForEach(constants, c => c?.Overwrite());
        }

        OpRunner.Check("create stream", device.CreateStream(out IStream? stream));
        Own(stream!);
        TestTensor[] results = Launch(kernel, stream!);
        Require(!kernel.Info.KeepsHostConstants || constants.All(c => c?.IsUnchanged ?? true), "a constant was changed");
        return results;
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private TestTensor[] Launch(IKernel kernel, IStream stream)
    {
        Placement?[] inputs = [.. operands.Select((o, i) => Place(kernel, o, i))];
        Placement[] outputs = [.. descriptor.Results.Select((_, i) => ResultPlace(kernel, inputs, i))];
        Placement? workspace = Workspace(kernel);
        Placement[] all = [.. inputs.OfType<Placement>().Union(outputs), .. workspace is null ? (Placement[])[] : [workspace]];
        Array.ForEach(all, p => p.Upload(stream));

        Argument[] arguments = [.. inputs.Select((p, i) => p?.Argument((kernel.Info.HostOperands >> i & 1) != 0) ?? Absent(i)),
            .. outputs.Select(p => p.Argument(false))];
        OpRunner.Check("launch", stream.Launch(kernel, bindings, arguments, workspace?.Buffer, workspace?.ArgumentOffset ?? 0));
        OpRunner.Check("synchronize", stream.Synchronize());

        Array.ForEach(all, p => p.Download(stream));
        for (int i = 0; i < inputs.Length; i++)
        {
            Require(inputs[i] is null || outputs.Contains(inputs[i]) || inputs[i]!.IsUnchanged, $"operand {i} was changed");
        }

        Require(all.All(p => p.GuardsStand), "something was written outside a tensor");
        return [.. outputs.Select((p, i) => p.Dense(descriptor.Results[i], bindings))];
    }

    private Argument Absent(int operand) => new() { Strides = new long[operands[operand].Dims.Length] };

    private Placement? Place(IKernel kernel, TestTensor operand, int index)
    {
        bool read = (kernel.Info.ReadsOperands >> index & 1) != 0;
        if (operand.Role == TensorRole.Constant || (!read && !op.StateUpdates.Any(u => u.Operand == index)))
        {
            return null;
        }

        long[] dims = Resolve(operand.Dims);
        int size = operand.Element.BlockBytes();
        if (operand.Strides is { } strides)
        {
            Placement strided = new(device, operand.Data.Length, operand.Offset * size, [.. strides], 0xFF);
            operand.Data.CopyTo(strided.Storage);
            return Own(strided);
        }

        // Unwritten memory of a state is finite, never NaN: its row padding holds 0.
        byte filler = operand.Role == TensorRole.State ? (byte)0 : (byte)0xFF;
        Placement dense = Own(Placement.RowMajor(device, operand.Element, dims, filler));
        dense.Fill(operand.Element, dims, operand.Data);
        return dense;
    }

    private Placement ResultPlace(IKernel kernel, Placement?[] inputs, int result)
    {
        bool IsDense(int operand) => inputs[operand] is not null && operands[operand].Strides is null;
        (int Operand, int Result)[] shared = [.. op.StateUpdates.Where(u => u.Result == result),
            .. kernel.Info.InPlace.Where(p => inPlace && p.Result == result && IsDense(p.Operand))];
        TensorDescriptor type = descriptor.Results[result];
        return shared.Length > 0 ? inputs[shared[0].Operand]! : Own(Placement.RowMajor(device, type.Element, Resolve(type.Dims), 0xFF));
    }

    private Placement? Workspace(IKernel kernel)
    {
        OpRunner.Check("workspace", kernel.Workspace(bindings, out long bytes));
        OpRunner.Check("workspace", kernel.Workspace(descriptor.Maxima, out long most));
        Require(bytes >= 0 && most >= bytes, $"workspace of {bytes} bytes for {bindings}, {most} for the maxima");
        return bytes == 0 ? null : Own(new Placement(device, bytes, 0, [], 0xFF));
    }

    private long[] Resolve(ImmutableArray<Dim> dims) => [.. dims.Select(d => d.Resolve(bindings))];

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private void Require(bool condition, string found)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{descriptor}: {found}");
        }
    }
}

/// <summary>One tensor in device memory with guard bytes around it, and the image of both on the host.</summary>
internal sealed class Placement : IDisposable
{
    private const byte GuardByte = 0xA5;

    private readonly IBuffer _pinned;
    private readonly byte[] _image;
    private readonly byte[] _sent;
    private readonly long[] _strides;
    private readonly int _start;
    private readonly int _length;

    /// <param name="device">The device.</param>
    /// <param name="bytes">Bytes of the tensor's memory.</param>
    /// <param name="origin">Bytes from there to element 0.</param>
    /// <param name="strides">Strides of the argument.</param>
    /// <param name="filler">What the memory holds at first.</param>
    public Placement(IDevice device, long bytes, long origin, long[] strides, byte filler)
    {
        Capabilities capabilities = device.Capabilities;
        int guard = RoundUp(256, capabilities.Alignment);
        ArgumentOffset = RoundUp(guard + (int)origin, capabilities.Alignment);
        _start = (int)(ArgumentOffset - origin);
        _length = (int)bytes;
        _strides = strides;
        int end = _start + RoundUp(_length, capabilities.LengthAlignment);
        _image = new byte[RoundUp(end + guard, capabilities.LengthAlignment)];
        _image.AsSpan().Fill(GuardByte);
        _image.AsSpan(_start, end - _start).Fill(filler);
        _sent = new byte[_image.Length];
        OpRunner.Check("allocate", device.Allocate(MemoryKind.Device, _image.Length, out IBuffer? buffer));
        Buffer = buffer!;
        OpRunner.Check("allocate", device.Allocate(MemoryKind.PinnedHost, _image.Length, out IBuffer? pinned));
        _pinned = pinned!;
        End = end;
    }

    public IBuffer Buffer { get; }

    public long ArgumentOffset { get; }

    public Span<byte> Storage => _image.AsSpan(_start, _length);

    public bool IsUnchanged => _image.AsSpan().SequenceEqual(_sent);

    public bool GuardsStand => !_image.AsSpan(0, _start).ContainsAnyExcept(GuardByte) && !_image.AsSpan(End).ContainsAnyExcept(GuardByte);

    private int End { get; }

    /// <summary>Row-major, with rows apart as the device asks.</summary>
    public static Placement RowMajor(IDevice device, ElementType element, long[] dims, byte filler)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            bool isRow = i == dims.Length - 1 && dims[i] > 1 && dims.Length > 1;
            stride *= isRow ? RoundUp((int)dims[i], Math.Max(device.Capabilities.RowMultiple, element.BlockElements())) : dims[i];
        }

        return new Placement(device, element.Bytes(stride), 0, strides, filler);
    }

    public Argument Argument(bool hostBytes) => new()
    {
        Buffer = Buffer,
        Offset = ArgumentOffset,
        Strides = [.. _strides],
        HostBytes = hostBytes ? _pinned.HostAddress + (nint)ArgumentOffset : 0,
    };

    /// <summary>Lays dense rows into the storage.</summary>
    public void Fill(ElementType element, long[] dims, byte[] dense)
    {
        if (dense.Length != element.Bytes(dims.Aggregate(1L, (a, d) => a * d)))
        {
            throw new ArgumentException($"{dense.Length} bytes for {element.Name()}[{string.Join(", ", dims)}]");
        }

        EachRow(element, dims, (at, row, bytes) => dense.AsSpan(row * bytes, bytes).CopyTo(_image.AsSpan(at)));
    }

    public TestTensor Dense(TensorDescriptor type, in Bindings bindings)
    {
        Bindings bound = bindings;
        long[] dims = [.. type.Dims.Select(d => d.Resolve(bound))];
        byte[] dense = new byte[type.Element.Bytes(dims.Aggregate(1L, (a, d) => a * d))];
        EachRow(type.Element, dims, (at, row, bytes) => _image.AsSpan(at, bytes).CopyTo(dense.AsSpan(row * bytes)));
        return new TestTensor(type.Element, [.. dims.Select(Dim.FromInt64)], dense) { Role = type.Role };
    }

    public void Upload(IStream stream)
    {
        _image.CopyTo(_sent.AsSpan());
        Marshal.Copy(_image, 0, _pinned.HostAddress, _image.Length);
        OpRunner.Check("copy to the device", stream.Copy(Buffer, 0, _pinned, 0, _image.Length));
    }

    public void Download(IStream stream)
    {
        OpRunner.Check("copy from the device", stream.Copy(_pinned, 0, Buffer, 0, _image.Length));
        OpRunner.Check("synchronize", stream.Synchronize());
        Marshal.Copy(_pinned.HostAddress, _image, 0, _image.Length);
    }

    public void Dispose()
    {
        Buffer.Dispose();
        _pinned.Dispose();
    }

    private static int RoundUp(int value, int multiple) => checked((value + multiple - 1) / multiple * multiple);

    private void EachRow(ElementType element, long[] dims, Action<int, int, int> visit)
    {
        int rowElements = dims.Length == 0 ? 1 : (int)dims[^1];
        int rows = (int)dims.SkipLast(1).Aggregate(1L, (a, d) => a * d);
        long rowStride = dims.Length < 2 ? rowElements : _strides[^2];
        for (int row = 0; row < rows; row++)
        {
            visit(_start + (int)element.Bytes(row * rowStride), row, (int)element.Bytes(rowElements));
        }
    }
}

/// <summary>A constant in host memory, its ranges apart and each at an odd address.</summary>
internal sealed unsafe class HostConstant : IDisposable
{
    private readonly byte[] _bytes;
    private readonly nint[] _blocks;

    public HostConstant(string identity, TestTensor tensor)
    {
        _bytes = tensor.Data;
        int pieces = tensor.Ranges;
        if (_bytes.Length % pieces != 0)
        {
            throw new ArgumentException($"{tensor} in {pieces} ranges");
        }

        int length = _bytes.Length / pieces;
        _blocks = [.. Enumerable.Range(0, pieces).Select(_ => (nint)NativeMemory.Alloc((nuint)length + 1))];
        for (int i = 0; i < pieces; i++)
        {
            Marshal.Copy(_bytes, i * length, _blocks[i] + 1, length);
        }

        Data = new ConstantData(
            identity, tensor.Element, [.. tensor.Dims.Select(d => d.Constant)], [.. _blocks.Select(b => new ByteRange(b + 1, length))]);
    }

    public ConstantData Data { get; }

    public bool IsUnchanged
    {
        get
        {
            int at = 0;
            bool same = true;
            foreach (ByteRange range in Data.Ranges)
            {
                same &= new ReadOnlySpan<byte>((void*)range.Address, (int)range.Length).SequenceEqual(_bytes.AsSpan(at, (int)range.Length));
                at += (int)range.Length;
            }

            return same;
        }
    }

    public void Overwrite()
    {
        foreach (ByteRange range in Data.Ranges)
        {
            new Span<byte>((void*)range.Address, (int)range.Length).Fill(0xFF);
        }
    }

    public void Dispose() => Array.ForEach(_blocks, b => NativeMemory.Free((void*)b));
}
