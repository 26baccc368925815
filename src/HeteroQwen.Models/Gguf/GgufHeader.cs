using System.Buffers.Binary;
using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Reads and checks what stands before a GGUF file's data: magic, version, counts, metadata, tensors. The tensors lie aligned
/// inside the file and do not overlap.
/// </summary>
internal sealed class GgufHeader
{
    /// <summary>Magic, version and the two counts.</summary>
    public const int ShortestBytes = 24;

    /// <summary>The format's limit for keys, and for names of tensors.</summary>
    private const int MaxKeyBytes = 65535;
    private const int MaxNameBytes = 64;
    private const int MaxDims = 4;

    private readonly string _path;
    private readonly MappedFile _file;
    private readonly GgufCursor _cursor;

    private GgufHeader(string path, MappedFile file)
    {
        (_path, _file) = (path, file);
        _cursor = new GgufCursor(path, file);
    }

    public int Version { get; private set; }

    public Dictionary<string, GgufValue> Metadata { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, GgufTensor> Tensors { get; } = new(StringComparer.Ordinal);

    public static GgufHeader Read(string path, MappedFile file)
    {
        GgufHeader header = new(path, file);
        header.ReadVersion();
        // The least that each takes: a name's length and first byte, then type and value; or dim count, one dim, type, offset.
        long tensors = header._cursor.Count(33, "the number of tensors");
        long keys = header._cursor.Count(14, "the number of metadata keys");
        header.ReadMetadata(keys);
        header.ReadTensors(tensors);
        header.CheckOverlaps();
        return header;
    }

    private void ReadVersion()
    {
        if (!_cursor.Bytes(4, "the magic").SequenceEqual("GGUF"u8))
        {
            throw new UserErrorException($"{_path}: does not begin with GGUF; check that this is a GGUF file");
        }

        uint version = _cursor.UInt32("the version");
        if (BinaryPrimitives.ReverseEndianness(version) is 2 or 3)
        {
            throw new UserErrorException(
                $"{_path}: is written for big-endian machines, which is not supported; convert the model as little-endian");
        }

        Version = version is 2 or 3
            ? (int)version
            : throw new UserErrorException($"{_path}: has the GGUF version {version}, but 2 and 3 are supported; convert the model anew");
    }

    private void ReadMetadata(long count)
    {
        for (long i = 0; i < count; i++)
        {
            string key = _cursor.Name(MaxKeyBytes, $"metadata key {i}");
            GgufValue value = _cursor.Value($"the value of {Shown.Text(key)}");
            if (!Metadata.TryAdd(key, value))
            {
                throw _cursor.Bad($"the metadata key {Shown.Text(key)} is there twice");
            }
        }
    }

    private void ReadTensors(long count)
    {
        List<(string Name, GgmlType Type, ImmutableArray<long> Dims, long Length, ulong Offset)> entries = [];
        for (long i = 0; i < count; i++)
        {
            string name = _cursor.Name(MaxNameBytes, $"the name of tensor {i}");
            ImmutableArray<long> dims = ReadDims(name);
            uint number = _cursor.UInt32($"the type of tensor {Shown.Text(name)}");
            GgmlType type = GgmlTypes.Find(number) ?? throw _cursor.Bad($"tensor {Shown.Text(name)} has the unknown ggml type {number}");
            entries.Add((name, type, dims, Bytes(name, type, dims), _cursor.UInt64($"the offset of tensor {Shown.Text(name)}")));
        }

        uint alignment = Alignment();
        long start = checked((_cursor.At + alignment - 1) / alignment * alignment);
        foreach ((string name, GgmlType type, ImmutableArray<long> dims, long length, ulong offset) in entries)
        {
            CheckPlace(name, alignment, start, offset, length);
            if (!Tensors.TryAdd(name, new GgufTensor(name, type.Name, type.Element, dims, start + (long)offset, length)))
            {
                throw _cursor.Bad($"tensor {Shown.Text(name)} is there twice");
            }
        }
    }

    private ImmutableArray<long> ReadDims(string name)
    {
        uint rank = _cursor.UInt32($"the dims of tensor {Shown.Text(name)}");
        if (rank is 0 or > MaxDims)
        {
            throw _cursor.Bad($"tensor {Shown.Text(name)} has {rank} dims, but must have 1 to {MaxDims}");
        }

        Span<long> dims = stackalloc long[(int)rank];
        Int128 elements = 1;
        foreach (ref long dim in dims)
        {
            ulong claimed = _cursor.UInt64($"the dims of tensor {Shown.Text(name)}");
            elements *= claimed;

            // So that neither this product nor the bytes overflow.
            if (claimed == 0 || claimed > 1L << 56 || elements > 1L << 56)
            {
                throw _cursor.Bad($"tensor {Shown.Text(name)} has the absurd dim {claimed}");
            }

            dim = (long)claimed;
        }

        return [.. dims];
    }

    private long Bytes(string name, GgmlType type, ImmutableArray<long> dims)
    {
        if (dims[0] % type.BlockElements != 0)
        {
            throw _cursor.Bad(
                $"tensor {Shown.Text(name)} is {type.Name} in rows of {dims[0]}, which are no whole blocks of {type.BlockElements}");
        }

        Int128 bytes = dims.Aggregate((Int128)1, (a, b) => a * b) / type.BlockElements * type.BlockBytes;
        return bytes <= _file.Length
            ? (long)bytes
            : throw _cursor.Bad(
                $"tensor {Shown.Text(name)} of {type.Name} {Shown.Shape(dims)} needs {bytes} bytes, but the file has {_file.Length} "
                + "(truncated?)");
    }

    private uint Alignment()
    {
        const string Key = "general.alignment";
        if (!Metadata.TryGetValue(Key, out GgufValue value))
        {
            return 32;
        }

        uint alignment = value.Type == GgufType.UInt32 ? BinaryPrimitives.ReadUInt32LittleEndian(_file.Span(value.Offset, 4)) : 0;
        return uint.IsPow2(alignment) ? alignment : throw _cursor.Bad($"{Key} is no 32-bit power of two");
    }

    private void CheckPlace(string name, uint alignment, long start, ulong offset, long length)
    {
        if (offset % alignment != 0)
        {
            throw _cursor.Bad(
                $"tensor {Shown.Text(name)} begins at byte {offset} of the data, which is no multiple of the alignment, {alignment}");
        }

        if (start > _file.Length - length || offset > (ulong)(_file.Length - length - start))
        {
            throw _cursor.Bad(
                $"tensor {Shown.Text(name)} of {length} bytes at byte {offset} of the data is not inside the file (truncated?)");
        }
    }

    private void CheckOverlaps()
    {
        GgufTensor? last = null;
        foreach (GgufTensor tensor in Tensors.Values.OrderBy(t => t.Offset))
        {
            if (last is not null && tensor.Offset < last.Offset + last.Length)
            {
                throw _cursor.Bad($"tensor {Shown.Text(tensor.Name)} overlaps tensor {Shown.Text(last.Name)}");
            }

            last = tensor;
        }
    }
}
