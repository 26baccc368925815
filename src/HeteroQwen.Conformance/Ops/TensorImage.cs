using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>One tensor in device memory with guard bytes around it, and the image of both on the host.</summary>
internal sealed class TensorImage : IDisposable
{
    private const int GuardBytes = 512;
    private const byte GuardByte = 0xA5;

    private readonly IBuffer _pinned;
    private readonly byte[] _image;
    private readonly byte[] _sent;
    private readonly ElementType _element;
    private readonly long[] _dims;
    private readonly long[] _strides;
    private readonly int _start;
    private readonly int _end;

    /// <param name="device">The device.</param>
    /// <param name="element">Element type.</param>
    /// <param name="dims">Dimensions.</param>
    /// <param name="strides">In elements.</param>
    /// <param name="skip">Elements by which it begins after the alignment.</param>
    /// <param name="filler">What padding and tail, and results before a launch, hold.</param>
    /// <exception cref="RefusedException">The device refuses the memory.</exception>
    public TensorImage(IDevice device, ElementType element, long[] dims, long[] strides, int skip, byte filler)
    {
        (_element, _dims, _strides) = (element, dims, strides);
        Capabilities capabilities = device.Capabilities;
        int guard = RoundUp(GuardBytes, capabilities.Alignment);
        _start = guard + (skip * element.BlockBytes());
        _end = _start + RoundUp(checked((int)element.Bytes(Extent(element, dims, strides))), capabilities.LengthAlignment);
        _image = new byte[RoundUp(_end + guard, capabilities.LengthAlignment)];
        _image.AsSpan().Fill(GuardByte);
        _image.AsSpan(_start, _end - _start).Fill(filler);
        _sent = new byte[_image.Length];
        RefusedException.Check("allocate", device.Allocate(MemoryKind.Device, _image.Length, out IBuffer? buffer));
        Buffer = buffer!;
        Status pinned = device.Allocate(MemoryKind.PinnedHost, _image.Length, out IBuffer? host);
        if (!pinned.IsOk)
        {
            Buffer.Dispose();
        }

        RefusedException.Check("allocate", pinned);
        _pinned = host!;
    }

    public IBuffer Buffer { get; }

    public long Start => _start;

    /// <summary>What the device left is what it got.</summary>
    public bool IsUnchanged => _image.AsSpan().SequenceEqual(_sent);

    public bool GuardsStand => !_image.AsSpan(0, _start).ContainsAnyExcept(GuardByte) && !_image.AsSpan(_end).ContainsAnyExcept(GuardByte);

    /// <summary>Row-major strides, with rows apart as the device asks.</summary>
    public static long[] RowMajor(int rowMultiple, ElementType element, IReadOnlyList<Dim> types, long[] dims)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            bool isRow = i == dims.Length - 1 && types[i] != 1;
            stride *= isRow ? RoundUp((int)dims[i], Math.Max(rowMultiple, element.BlockElements())) : dims[i];
        }

        return strides;
    }

    public Argument Argument(bool hostBytes) => new()
    {
        Buffer = Buffer,
        Offset = _start,
        Strides = [.. _strides],
        HostBytes = hostBytes ? _pinned.HostAddress + _start : 0,
    };

    /// <summary>Lays dense elements into the strided memory.</summary>
    public void Fill(byte[] dense) => EachRun((at, from, bytes) => dense.AsSpan(from, bytes).CopyTo(_image.AsSpan(at)));

    /// <summary>The elements, dense.</summary>
    public byte[] Dense()
    {
        byte[] dense = new byte[_element.Bytes(_dims.Aggregate(1L, (a, d) => a * d))];
        EachRun((at, from, bytes) => _image.AsSpan(at, bytes).CopyTo(dense.AsSpan(from)));
        return dense;
    }

    public void Upload(IStream stream)
    {
        _image.CopyTo(_sent.AsSpan());
        Marshal.Copy(_image, 0, _pinned.HostAddress, _image.Length);
        RefusedException.Check("copy to the device", stream.Copy(Buffer, 0, _pinned, 0, _image.Length));
    }

    public void Download(IStream stream)
    {
        RefusedException.Check("copy from the device", stream.Copy(_pinned, 0, Buffer, 0, _image.Length));
        RefusedException.Check("synchronize", stream.Synchronize());
        Marshal.Copy(_pinned.HostAddress, _image, 0, _image.Length);
    }

    public void Dispose()
    {
        Buffer.Dispose();
        _pinned.Dispose();
    }

    private static int RoundUp(int value, int multiple) => checked((value + multiple - 1) / multiple * multiple);

    /// <summary>Elements from the first to the end of the last row.</summary>
    private static long Extent(ElementType element, long[] dims, long[] strides)
    {
        long last = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            last += (dims[i] - 1) * strides[i];
        }

        // Rows of a row-major tensor are padded to their stride, the last one too.
        bool isPadded = dims.Length > 1 && strides[^1] == 1 && strides[^2] > dims[^1];
        long extent = last + 1 + (isPadded ? strides[^2] - dims[^1] : 0);
        int block = element.BlockElements();
        return (extent + block - 1) / block * block;
    }

    /// <summary>Runs of elements that lie side by side: rows, or single elements where the last axis is strided.</summary>
    private void EachRun(Action<int, int, int> visit)
    {
        bool byRow = _dims.Length == 0 || _strides[^1] == 1;
        int axes = byRow ? Math.Max(0, _dims.Length - 1) : _dims.Length;
        long length = byRow && _dims.Length > 0 ? _dims[^1] : 1;
        int bytes = (int)_element.Bytes(length);
        long runs = 1;
        for (int i = 0; i < axes; i++)
        {
            runs *= _dims[i];
        }

        for (long run = 0; run < runs; run++)
        {
            (long rest, long at) = (run, 0);
            for (int axis = axes - 1; axis >= 0; axis--)
            {
                at += rest % _dims[axis] * _strides[axis];
                rest /= _dims[axis];
            }

            visit(_start + (int)_element.Bytes(at), (int)run * bytes, bytes);
        }
    }
}
