using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>A constant in host memory, its ranges apart and each at an odd address.</summary>
internal sealed unsafe class HostConstant : IDisposable
{
    private readonly byte[] _bytes;
    private readonly nint[] _blocks;
    private readonly int _length;

    public HostConstant(string identity, OpTensor tensor)
    {
        _bytes = tensor.Data;
        _length = _bytes.Length / tensor.Ranges;
        _blocks = [.. Enumerable.Range(0, tensor.Ranges).Select(_ => (nint)NativeMemory.Alloc((nuint)_length + 1))];
        for (int i = 0; i < _blocks.Length; i++)
        {
            Marshal.Copy(_bytes, i * _length, _blocks[i] + 1, _length);
        }

        Data = new ConstantData(
            identity, tensor.Type.Element, [.. tensor.Type.Shape.Dims.Select(d => d.Constant)],
            [.. _blocks.Select(b => new ByteRange(b + 1, _length))]);
    }

    public ConstantData Data { get; }

    public bool IsUnchanged => Enumerable.Range(0, _blocks.Length).All(
        i => new ReadOnlySpan<byte>((void*)(_blocks[i] + 1), _length).SequenceEqual(_bytes.AsSpan(i * _length, _length)));

    /// <summary>A kernel that says it has done with the host's memory must not miss it.</summary>
    public void Overwrite() => Array.ForEach(_blocks, b => new Span<byte>((void*)(b + 1), _length).Fill(0xFF));

    public void Dispose() => Array.ForEach(_blocks, b => NativeMemory.Free((void*)b));
}
