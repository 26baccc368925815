using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Runs one op on a device through the contract, and waits for it. Results hold NaN before.</summary>
internal sealed unsafe class OpLaunch : IDisposable
{
    private readonly Device _device;
    private readonly SingleOp _op;
    private readonly Stack<IDisposable> _owned = new();
    private readonly List<nint> _memory = [];

    private OpLaunch(Device device, SingleOp op) => (_device, _op) = (device, op);

    /// <summary>The results, dense, in the op's order; of a state all of it.</summary>
    /// <exception cref="BackendException">The backend failed.</exception>
    public static byte[][] Run(Device device, SingleOp op)
    {
        using OpLaunch launch = new(device, op);
        return launch.Execute();
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }

        _memory.ForEach(m => NativeMemory.Free((void*)m));
    }

    private byte[][] Execute()
    {
        OpDescriptor descriptor = _op.Descriptor;
        Check(_device.Handle.Prepare(descriptor, [.. _op.Operands.Select(Constant)], out IKernel? kernel), "prepare");
        Own(kernel!);
        Check(_device.Handle.CreateStream(out IStream? stream), "create a stream for");
        Own(stream!);
        DeviceTensor?[] operands = [.. _op.Operands.Select((o, i) => Operand(kernel!, stream!, o, i))];
        DeviceTensor[] results = [.. _op.ResultTypes.Select((r, i) => Result(stream!, operands, r, i))];
        Argument[] arguments =
        [
            .. operands.Select((t, i) => t?.Argument((kernel!.Info.HostOperands >> i & 1) != 0) ?? new() { Strides = new long[_op.Operands[i].Dims.Length] }),
            .. results.Select(t => t.Argument(false)),
        ];
        Check(kernel!.Workspace(_op.Bindings, out long bytes), "ask the workspace of");
        IBuffer? workspace = null;
        if (bytes > 0)
        {
            Check(_device.Handle.Allocate(MemoryKind.Device, bytes, out workspace), "allocate the workspace of");
            Own(workspace!);
        }

        Check(stream!.Launch(kernel, _op.Bindings, arguments, workspace, 0), "launch");
        Check(stream.Synchronize(), "wait for");
        return [.. results.Select(r => r.Download(stream))];
    }

    private ConstantData? Constant(OpTensor tensor, int index)
    {
        if (tensor.Role != TensorRole.Constant || tensor.Constant is not null)
        {
            return tensor.Constant is { } data ? data with { Shape = [.. tensor.Dims.Select(d => d.Constant)] } : null;
        }

        nint memory = (nint)NativeMemory.Alloc((nuint)Math.Max(1, tensor.Bytes.Length));
        _memory.Add(memory);
        Marshal.Copy(tensor.Bytes, 0, memory, tensor.Bytes.Length);
        return new ConstantData(
            $"case{index}@{memory}", tensor.Element, [.. tensor.Dims.Select(d => d.Constant)], [new ByteRange(memory, tensor.Bytes.Length)]);
    }

    private DeviceTensor? Operand(IKernel kernel, IStream stream, OpTensor tensor, int index)
    {
        bool isRead = (kernel.Info.ReadsOperands >> index & 1) != 0 || _op.Op.StateUpdates.Any(u => u.Operand == index);
        return tensor.Role == TensorRole.Constant || !isRead ? null : Own(new DeviceTensor(_device, tensor, _op.Bindings)).Upload(stream);
    }

    private DeviceTensor Result(IStream stream, DeviceTensor?[] operands, TensorType type, int index)
    {
        foreach ((int operand, int result) in _op.Op.StateUpdates)
        {
            if (result == index)
            {
                return operands[operand]!;
            }
        }

        byte[] bytes = new byte[type.Bytes(_op.Bindings)];
        bytes.AsSpan().Fill(0xFF);
        return Own(new DeviceTensor(_device, new OpTensor(type.Element, type.Shape.Dims, TensorRole.Result, bytes), _op.Bindings)).Upload(stream);
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private void Check(Status status, string what)
    {
        if (!status.IsOk)
        {
            throw new BackendException(_device.Id, $"{what} {_op.Descriptor}", status);
        }
    }

    /// <summary>A tensor in device memory, its rows as far apart as the device asks, and pinned memory to fill it from.</summary>
    private sealed class DeviceTensor : IDisposable
    {
        private readonly OpTensor _tensor;
        private readonly Device _device;
        private readonly long[] _strides;
        private readonly IBuffer _buffer;
        private readonly IBuffer _pinned;
        private readonly int _rowBytes;
        private readonly int _pitch;

        public DeviceTensor(Device device, OpTensor tensor, Bindings bindings)
        {
            (_device, _tensor) = (device, tensor);
            long[] dims = tensor.Resolve(bindings);
            long width = dims.Length == 0 ? 1 : dims[^1];
            bool padded = tensor.Strides is null && dims.Length > 1 && tensor.Dims[^1] != 1;
            long multiple = padded ? Math.Max(device.Capabilities.RowMultiple, tensor.Element.BlockElements()) : 1;
            long pitch = (width + multiple - 1) / multiple * multiple;
            _strides = tensor.Strides is { } strides ? [.. strides] : Verdicts.Plain.Strides([.. dims.SkipLast(1), pitch]);
            _strides = dims.Length == 0 ? [] : _strides;
            bool isView = tensor.Strides is not null;
            _rowBytes = isView ? tensor.Bytes.Length : checked((int)tensor.Element.Bytes(width));
            _pitch = isView ? _rowBytes : checked((int)tensor.Element.Bytes(pitch));
            int rows = isView || _rowBytes == 0 ? 1 : tensor.Bytes.Length / _rowBytes;
            int align = Math.Max(1, device.Capabilities.LengthAlignment);
            int bytes = checked(((Math.Max(1, rows * _pitch) + align - 1) / align) * align);
            _buffer = Allocate(MemoryKind.Device, bytes);
            _pinned = Allocate(MemoryKind.PinnedHost, bytes);
        }

        public Argument Argument(bool host) => new()
        {
            Buffer = _buffer,
            Offset = _tensor.Element.Bytes(_tensor.Offset),
            Strides = [.. _strides],
            HostBytes = host ? _pinned.HostAddress : 0,
        };

        public DeviceTensor Upload(IStream stream)
        {
            Span<byte> all = new((void*)_pinned.HostAddress, (int)_pinned.Bytes);

            // Unwritten memory of a state is finite; of all else it is NaN.
            all.Fill(_tensor.Role == TensorRole.State ? (byte)0 : (byte)0xFF);
            for (int row = 0; row * _rowBytes < _tensor.Bytes.Length; row++)
            {
                _tensor.Bytes.AsSpan(row * _rowBytes, _rowBytes).CopyTo(all[(row * _pitch)..]);
            }

            Require(stream.Copy(_buffer, 0, _pinned, 0, _pinned.Bytes), "copy to the device");
            return this;
        }

        public byte[] Download(IStream stream)
        {
            Require(stream.Copy(_pinned, 0, _buffer, 0, _pinned.Bytes), "copy from the device");
            Require(stream.Synchronize(), "wait for the copy");
            ReadOnlySpan<byte> all = new((void*)_pinned.HostAddress, (int)_pinned.Bytes);
            byte[] bytes = new byte[_tensor.Bytes.Length];
            for (int row = 0; row * _rowBytes < bytes.Length; row++)
            {
                all.Slice(row * _pitch, _rowBytes).CopyTo(bytes.AsSpan(row * _rowBytes));
            }

            return bytes;
        }

        public void Dispose()
        {
            _buffer.Dispose();
            _pinned.Dispose();
        }

        private IBuffer Allocate(MemoryKind kind, long bytes)
        {
            Require(_device.Handle.Allocate(kind, bytes, out IBuffer? buffer), $"allocate {bytes} bytes");
            return buffer!;
        }

        private void Require(Status status, string what)
        {
            if (!status.IsOk)
            {
                throw new BackendException(_device.Id, what, status);
            }
        }
    }
}
