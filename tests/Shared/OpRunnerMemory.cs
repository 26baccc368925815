using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Tests;

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
