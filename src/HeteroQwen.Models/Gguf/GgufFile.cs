using System.Buffers.Binary;
using System.Globalization;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A GGUF file of version 2 or 3, mapped into memory and never copied: metadata, tensors, the data. It is checked whole when
/// opened, so that every value and every range of <see cref="Range"/> lies inside the mapping.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private readonly MappedFile _file;

    private GgufFile(string path, MappedFile file)
    {
        (Path, _file) = (path, file);
        GgufHeader header = GgufHeader.Read(path, file);
        (Version, Metadata, Tensors) = (header.Version, header.Metadata, header.Tensors);
    }

    /// <summary>As given to <see cref="Open"/>.</summary>
    public string Path { get; }

    public int Version { get; }

    public IReadOnlyDictionary<string, GgufValue> Metadata { get; }

    public IReadOnlyDictionary<string, GgufTensor> Tensors { get; }

    /// <exception cref="UserErrorException">The file is missing, truncated or malformed.</exception>
    public static GgufFile Open(string path)
    {
        MappedFile file = MappedFile.Open(path, GgufHeader.ShortestBytes, "GGUF");
        try
        {
            return new GgufFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor's bytes, valid until the file is disposed.</summary>
    public ByteRange Range(GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return _file.Range(tensor.Offset, tensor.Length);
    }

    /// <summary>Gives back the memory that a range of the file takes, which stays valid; 0 if it is none of this file.</summary>
    internal long Release(ByteRange range) => _file.Release(range);

    public void Dispose() => _file.Dispose();

    /// <summary>A text's bytes, valid until the file is disposed; whether they are UTF-8 is not checked.</summary>
    /// <exception cref="UserErrorException">The text is longer than 2^31 bytes.</exception>
    public ReadOnlySpan<byte> Utf8(GgufValue text) => text.Count <= int.MaxValue
        ? _file.Span(text.Offset, (int)text.Count)
        : throw GgufCursor.Bad(Path, $"a text of {text.Count} bytes is absurd");

    /// <summary>A whole number, a truth value as 0 or 1; null for any other value.</summary>
    public Int128? Integer(GgufValue value)
    {
        ReadOnlySpan<byte> bytes = _file.Span(value.Offset, value.Type.Bytes());
        return value.Type switch
        {
            GgufType.UInt8 or GgufType.Bool => bytes[0],
            GgufType.Int8 => (sbyte)bytes[0],
            GgufType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            GgufType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            GgufType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            _ => null,
        };
    }

    /// <summary>A floating-point number; null for any other value.</summary>
    /// <remarks>An f32 gives the shortest decimal that rounds to it: 1e-6 in a configuration is 1e-6 here, though no f32 is.</remarks>
    public double? Real(GgufValue value)
    {
        ReadOnlySpan<byte> bytes = _file.Span(value.Offset, value.Type.Bytes());
        return value.Type switch
        {
            GgufType.Float32 => double.Parse(
                BinaryPrimitives.ReadSingleLittleEndian(bytes).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            GgufType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            _ => null,
        };
    }

    /// <summary>The text whose length stands at an offset, inside an array of texts.</summary>
    internal GgufValue TextAt(long offset) =>
        new(GgufType.Text, GgufType.Text, offset + 8, BinaryPrimitives.ReadInt64LittleEndian(_file.Span(offset, 8)));

    /// <summary>An item of an array of 32-bit numbers.</summary>
    internal int Int32At(GgufValue array, long index) =>
        BinaryPrimitives.ReadInt32LittleEndian(_file.Span(array.Offset + (sizeof(int) * index), sizeof(int)));

    /// <summary>The items of an array, but of one of arrays; none if the value is no array.</summary>
    public IEnumerable<GgufValue> Items(GgufValue array)
    {
        if (array.Type != GgufType.Array || array.Item == GgufType.Array)
        {
            yield break;
        }

        long at = array.Offset;
        for (long i = 0; i < array.Count; i++)
        {
            bool text = array.Item == GgufType.Text;
            at += text ? 8 : 0;
            long count = text ? BinaryPrimitives.ReadInt64LittleEndian(_file.Span(at - 8, 8)) : 1;
            yield return new GgufValue(array.Item, array.Item, at, count);
            at += text ? count : array.Item.Bytes();
        }
    }
}
