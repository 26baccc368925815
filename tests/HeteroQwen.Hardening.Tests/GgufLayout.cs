using System.Buffers.Binary;

namespace HeteroQwen.Hardening.Tests;

/// <summary>Where the counts, lengths, types and numbers of a GGUF file lie, and its metadata and tensor entries.</summary>
internal sealed class GgufLayout
{
    public const int TensorCountAt = 8;
    public const int KeyCountAt = 16;

    /// <summary>Items of an array whose places are kept: a vocabulary has too many.</summary>
    private const int MostItems = 4;

    private const int Text = 8;
    private const int Array = 9;

    private readonly byte[] _file;
    private int _at = KeyCountAt + 8;

    private GgufLayout(byte[] file) => _file = file;

    /// <summary>Numbers of 1 to 8 bytes.</summary>
    public List<Range> Fields { get; } = [4..8, TensorCountAt..(TensorCountAt + 8), KeyCountAt..(KeyCountAt + 8)];

    /// <summary>Types with what follows them.</summary>
    public List<Range> Values { get; } = [];

    public List<Range> Metadata { get; } = [];

    public List<Range> Tensors { get; } = [];

    /// <summary>Null where the file cannot be followed any more.</summary>
    public static GgufLayout? Of(byte[] file)
    {
        GgufLayout layout = new(file);
        try
        {
            layout.Walk();
            return layout;
        }
        catch (Exception e) when (e is ArgumentException or OverflowException or InvalidDataException)
        {
            return null;
        }
    }

    private void Walk()
    {
        ulong tensors = BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(TensorCountAt, 8));
        ulong keys = BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(KeyCountAt, 8));
        for (ulong i = 0; i < keys; i++)
        {
            int start = _at;
            Skip(Number(8));
            int value = _at;
            Value((int)Number(4), keep: true);
            Values.Add(value.._at);
            Metadata.Add(start.._at);
        }

        for (ulong i = 0; i < tensors; i++)
        {
            int start = _at;
            Skip(Number(8));
            for (long rank = Number(4); rank > 0; rank--)
            {
                Number(8);
            }

            Number(4);
            Number(8);
            Tensors.Add(start.._at);
        }
    }

    private void Value(int type, bool keep)
    {
        switch (type)
        {
            case Text:
                Skip(Number(8, keep));
                break;
            case Array:
                int item = (int)Number(4, keep);
                long count = Number(8, keep);
                for (long i = 0; i < count; i++)
                {
                    Value(item, keep && i < MostItems);
                }

                break;
            default:
                Number(BytesOf(type), keep);
                break;
        }
    }

    private static int BytesOf(int type) => type switch
    {
        0 or 1 or 7 => 1,
        2 or 3 => 2,
        4 or 5 or 6 => 4,
        10 or 11 or 12 => 8,
        _ => throw new InvalidDataException(),
    };

    private long Number(int bytes, bool keep = true)
    {
        ReadOnlySpan<byte> field = _file.AsSpan(_at, bytes);
        if (keep)
        {
            Fields.Add(_at..(_at + bytes));
        }

        _at += bytes;
        return bytes switch
        {
            4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
            8 => BinaryPrimitives.ReadInt64LittleEndian(field),
            _ => 0,
        };
    }

    private void Skip(long bytes) =>
        _at = bytes >= 0 && bytes <= _file.Length - _at ? _at + (int)bytes : throw new InvalidDataException();
}
