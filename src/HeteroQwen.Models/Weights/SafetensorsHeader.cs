using System.Collections.Immutable;
using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Reads and checks the JSON header of a safetensors file, as strictly as the format's official reader: the tensors cover
/// the data from its first to its last byte, without overlaps and holes.
/// </summary>
internal ref struct SafetensorsHeader
{
    private const int MaxRank = 16;
    private readonly string _path;
    private readonly long _dataStart;
    private readonly long _dataLength;
    private readonly Dictionary<string, SafetensorsTensor> _tensors = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;

    /// <summary>The entry that is being read, for messages.</summary>
    private string? _current;

    private SafetensorsHeader(string path, ReadOnlySpan<byte> header, long dataStart, long dataLength)
    {
        _path = path;
        _dataStart = dataStart;
        _dataLength = dataLength;
        _json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
    }

    private readonly string Current => Shown.Text(_current!);

    public static Dictionary<string, SafetensorsTensor> Read(string path, ReadOnlySpan<byte> header, long dataStart, long dataLength)
    {
        SafetensorsHeader reader = new(path, header, dataStart, dataLength);
        try
        {
            reader.ReadAll();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is no valid Unicode.
            throw reader.Bad($"the header is not well-formed JSON at its byte {reader._json.BytesConsumed}");
        }

        reader.CheckCover();
        return reader._tensors;
    }

    private void ReadAll()
    {
        Expect(JsonTokenType.StartObject, "the header");
        while (NextProperty())
        {
            string name = _current = _json.GetString()!;
            if (name == "__metadata__")
            {
                ReadMetadata();
            }
            else if (!_tensors.TryAdd(name, ReadTensor(name)))
            {
                throw Bad($"tensor {Current} is there twice");
            }
        }

        // Throws if anything but white space follows.
        _json.Read();
    }

    private void ReadMetadata()
    {
        Expect(JsonTokenType.StartObject, "the value");
        while (NextProperty())
        {
            Expect(JsonTokenType.String, "a value");
        }
    }

    private SafetensorsTensor ReadTensor(string name)
    {
        (string Name, int Bits) type = default;
        ImmutableArray<long> shape = default;
        ImmutableArray<long> offsets = default;
        Expect(JsonTokenType.StartObject, "the value");
        while (NextProperty())
        {
            if (_json.ValueTextEquals("dtype"u8) && type.Name is null)
            {
                type = ReadType();
            }
            else if (_json.ValueTextEquals("shape"u8) && shape.IsDefault)
            {
                shape = ReadNumbers("shape", MaxRank);
            }
            else if (_json.ValueTextEquals("data_offsets"u8) && offsets.IsDefault)
            {
                offsets = ReadNumbers("data_offsets", 2);
            }
            else
            {
                throw Bad($"tensor {Current} has the key {Shown.Text(_json.GetString()!)} twice or one that the format does not know");
            }
        }

        if (type.Name is null || shape.IsDefault || offsets.IsDefault || offsets.Length != 2)
        {
            throw Bad($"tensor {Current} needs dtype, shape and two data_offsets");
        }

        CheckBytes(type, shape, offsets[0], offsets[1]);
        return new SafetensorsTensor(name, type.Name, shape, _dataStart + offsets[0], offsets[1] - offsets[0]);
    }

    private (string Name, int Bits) ReadType()
    {
        Expect(JsonTokenType.String, "dtype");
        string name = _json.GetString()!;
        return SafetensorsTypes.TryGet(name, out var type) ? type : throw Bad($"tensor {Current} has the unknown dtype {Shown.Text(name)}");
    }

    private ImmutableArray<long> ReadNumbers(string what, int max)
    {
        Span<long> numbers = stackalloc long[MaxRank];
        int count = 0;
        Expect(JsonTokenType.StartArray, what);
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (count == max || _json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out long number) || number < 0)
            {
                throw Bad($"{what} of tensor {Current} must be at most {max} whole numbers from 0 to 2^63 - 1");
            }

            numbers[count++] = number;
        }

        return [.. numbers[..count]];
    }

    private readonly void CheckBytes((string Name, int Bits) type, ImmutableArray<long> shape, long begin, long end)
    {
        if (begin > end)
        {
            throw Bad($"tensor {Current} ends at {end}, before it begins at {begin}");
        }

        if (end > _dataLength)
        {
            throw Bad($"tensor {Current} ends at byte {end} of the data, but the file has only {_dataLength} (truncated?)");
        }

        // As elements of at most 2^60, so that neither the product nor the bits overflow.
        Int128 elements = 1;
        foreach (long dim in shape)
        {
            elements *= dim;
            if (elements > 1L << 60)
            {
                throw Bad($"tensor {Current} has the absurd shape {Shown.Shape(shape)}");
            }
        }

        Int128 bits = elements * type.Bits;
        if (bits != (Int128)(end - begin) * 8)
        {
            string claim = $"{type.Name} {Shown.Shape(shape)} needs {bits / 8} bytes";
            throw Bad($"tensor {Current} of {claim}, but its data_offsets span {end - begin}");
        }
    }

    private readonly void CheckCover()
    {
        long at = _dataStart;
        SafetensorsTensor? last = null;
        foreach (SafetensorsTensor tensor in _tensors.Values.OrderBy(t => t.Offset).ThenBy(t => t.Length))
        {
            if (tensor.Offset < at)
            {
                throw Bad($"tensor {Shown.Text(tensor.Name)} overlaps tensor {Shown.Text(last!.Name)}");
            }

            if (tensor.Offset > at)
            {
                throw Bad($"{tensor.Offset - at} bytes before tensor {Shown.Text(tensor.Name)} belong to no tensor");
            }

            at += tensor.Length;
            last = tensor;
        }

        if (at != _dataStart + _dataLength)
        {
            throw Bad($"{_dataStart + _dataLength - at} bytes at the end belong to no tensor");
        }
    }

    private bool NextProperty() => _json.Read() && _json.TokenType == JsonTokenType.PropertyName;

    private void Expect(JsonTokenType token, string what)
    {
        if (!_json.Read() || _json.TokenType != token)
        {
            string of = _current is null ? "" : $" of {Current}";
            string wanted = token switch { JsonTokenType.StartObject => "object", JsonTokenType.StartArray => "list", _ => "string" };
            throw Bad($"{what}{of} is no {wanted}");
        }
    }

    private readonly UserErrorException Bad(string what) => new($"{_path}: {what}; download the file again or convert the model anew");
}
