using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A tensor of a file that is to be written.</summary>
/// <param name="Name">The file's name of it.</param>
/// <param name="Type">What its bytes are.</param>
/// <param name="Shape">Outermost first, as everywhere here; the file has it the other way round.</param>
/// <param name="Offset">Its first byte, counted from the first tensor.</param>
internal readonly record struct GgufTensorHead(string Name, ElementType Type, IReadOnlyList<long> Shape, long Offset);

/// <summary>Writes what stands before the tensors of a GGUF file, version 3. C# types stand for the file's.</summary>
internal static class GgufEncoder
{
    /// <summary>What tensors begin at a multiple of, unless the metadata say otherwise.</summary>
    public const int Alignment = 32;

    private const uint Version = 3;

    /// <summary>Magic, metadata and the tensors' heads, padded to where the first tensor begins.</summary>
    public static byte[] Header(IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensorHead> tensors)
    {
        using MemoryStream file = new();
        using BinaryWriter writer = new(file);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        foreach ((string key, object value) in metadata)
        {
            Write(writer, key);
            writer.Write((uint)TypeOf(value.GetType()));
            Write(writer, value);
        }

        foreach (GgufTensorHead tensor in tensors)
        {
            Write(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            foreach (long dim in tensor.Shape.Reverse())
            {
                writer.Write((ulong)dim);
            }

            writer.Write(GgmlTypes.NumberOf(tensor.Type));
            writer.Write((ulong)tensor.Offset);
        }

        writer.Write(new byte[Padded(file.Position) - file.Position]);
        return file.ToArray();
    }

    public static long Padded(long bytes) => checked((bytes + Alignment - 1) / Alignment * Alignment);

    private static void Write(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case bool v:
                writer.Write(v);
                break;
            case uint v:
                writer.Write(v);
                break;
            case int v:
                writer.Write(v);
                break;
            case float v:
                writer.Write(v);
                break;
            case string v:
                byte[] utf8 = Encoding.UTF8.GetBytes(v);
                writer.Write((ulong)utf8.Length);
                writer.Write(utf8);
                break;
            case Array v:
                writer.Write((uint)TypeOf(v.GetType().GetElementType()!));
                writer.Write((ulong)v.Length);
                foreach (object item in v)
                {
                    Write(writer, item);
                }

                break;
            default:
                throw new ArgumentException($"no metadata are of type {value.GetType()}");
        }
    }

    private static GgufType TypeOf(Type type) => type.IsArray ? GgufType.Array : Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => GgufType.Bool,
        TypeCode.UInt32 => GgufType.UInt32,
        TypeCode.Int32 => GgufType.Int32,
        TypeCode.Single => GgufType.Float32,
        TypeCode.String => GgufType.Text,
        _ => throw new ArgumentException($"no metadata are of type {type}"),
    };
}
