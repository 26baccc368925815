using System.Text;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.TestSupport;

/// <summary>Writes GGUF files, right or wrong: a model with the product's own metadata, or whatever a test puts together.</summary>
internal sealed class GgufWriter
{
    private readonly List<(string Key, byte[] Value)> _metadata = [];
    private readonly List<Tensor> _tensors = [];

    /// <param name="Name">The file's name of it.</param>
    /// <param name="Dims">Innermost first.</param>
    /// <param name="Type">ggml's number.</param>
    /// <param name="Data">Its bytes, whatever type and dims ask for.</param>
    /// <param name="Offset">Where it says that it begins; null for where it does.</param>
    public sealed record Tensor(string Name, ulong[] Dims, uint Type, byte[] Data, ulong? Offset = null);

    public uint Version { get; init; } = 3;

    /// <summary>Claimed counts, where they lie.</summary>
    public ulong? TensorCount { get; init; }

    public ulong? KeyCount { get; init; }

    public int Alignment { get; init; } = 32;

    /// <summary>Sets a key, in its place if it is there. C# types stand for the file's; arrays are typed by their items.</summary>
    public GgufWriter Set(string key, object value)
    {
        byte[] bytes = value as byte[] ?? [.. BitConverter.GetBytes(TypeOf(value)), .. Payload(value)];
        int at = _metadata.FindIndex(m => m.Key == key);
        if (at < 0)
        {
            return Add(key, bytes);
        }

        _metadata[at] = (key, bytes);
        return this;
    }

    /// <summary>Adds a key though it may be there, with a value given as bytes, the type included.</summary>
    public GgufWriter Add(string key, byte[] value)
    {
        _metadata.Add((key, value));
        return this;
    }

    public GgufWriter Remove(string key)
    {
        _metadata.RemoveAll(m => m.Key == key);
        return this;
    }

    public GgufWriter Add(params ReadOnlySpan<Tensor> tensors)
    {
        _tensors.AddRange(tensors);
        return this;
    }

    public GgufWriter Change(string tensor, Func<Tensor, Tensor?> change)
    {
        int at = _tensors.FindIndex(t => t.Name == tensor);
        Tensor? changed = change(_tensors[at]);
        _tensors.RemoveAt(at);
        if (changed is not null)
        {
            _tensors.Insert(at, changed);
        }

        return this;
    }

    public byte[] ToBytes()
    {
        using MemoryStream file = new();
        using BinaryWriter writer = new(file);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write(TensorCount ?? (ulong)_tensors.Count);
        writer.Write(KeyCount ?? (ulong)_metadata.Count);
        foreach ((string key, byte[] value) in _metadata)
        {
            writer.Write(Payload(key));
            writer.Write(value);
        }

        long offset = 0;
        foreach (Tensor tensor in _tensors)
        {
            writer.Write(Payload(tensor.Name));
            writer.Write(tensor.Dims.Length);
            Array.ForEach(tensor.Dims, writer.Write);
            writer.Write(tensor.Type);
            writer.Write(tensor.Offset ?? (ulong)offset);
            offset = Padded(offset + tensor.Data.Length);
        }

        foreach (Tensor tensor in _tensors)
        {
            writer.Write(new byte[Padded(file.Position) - file.Position]);
            writer.Write(tensor.Data);
        }

        return file.ToArray();
    }

    /// <summary>A model with its weights as they are.</summary>
    public static GgufWriter Of(IModelSource model)
    {
        GgufWriter writer = new();
        GgufMetadata.Of(model, []).ForEach(m => writer.Set(m.Key, m.Value));
        foreach (string name in model.Names)
        {
            ConstantData data = model.Get(name);
            ulong[] dims = [.. data.Shape.Reverse().Select(d => (ulong)d)];
            writer.Add(new Tensor(GgufNames.Of(name), dims, GgmlTypes.NumberOf(data.Type), Bytes(data)));
        }

        return writer;
    }

    public static unsafe byte[] Bytes(ConstantData data) =>
        [.. data.Ranges.SelectMany(r => new ReadOnlySpan<byte>((void*)r.Address, (int)r.Length).ToArray())];

    /// <summary>A value as the file has it, without its type.</summary>
    public static byte[] Payload(object value) => value switch
    {
        byte v => [v],
        sbyte v => [(byte)v],
        bool v => [v ? (byte)1 : (byte)0],
        ushort v => BitConverter.GetBytes(v),
        short v => BitConverter.GetBytes(v),
        uint v => BitConverter.GetBytes(v),
        int v => BitConverter.GetBytes(v),
        ulong v => BitConverter.GetBytes(v),
        long v => BitConverter.GetBytes(v),
        float v => BitConverter.GetBytes(v),
        double v => BitConverter.GetBytes(v),
        string v => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(v)), .. Encoding.UTF8.GetBytes(v)],
        Array v => [.. Payload(ItemType(v)), .. Payload((ulong)v.Length), .. v.Cast<object>().SelectMany(Payload)],
        _ => throw new ArgumentException($"a {value.GetType()} has no place in a file"),
    };

    private static uint ItemType(Array array) => TypeOf(array.GetType().GetElementType()!);

    private static uint TypeOf(object value) => TypeOf(value.GetType());

    private static uint TypeOf(Type type) => type.IsArray ? 9u : Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => 0,
        TypeCode.SByte => 1,
        TypeCode.UInt16 => 2,
        TypeCode.Int16 => 3,
        TypeCode.UInt32 => 4,
        TypeCode.Int32 => 5,
        TypeCode.Single => 6,
        TypeCode.Boolean => 7,
        TypeCode.String => 8,
        TypeCode.UInt64 => 10,
        TypeCode.Int64 => 11,
        TypeCode.Double => 12,
        _ => throw new ArgumentException($"a {type} has no place in a file"),
    };

    private long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
