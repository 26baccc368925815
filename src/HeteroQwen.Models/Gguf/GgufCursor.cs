using System.Buffers.Binary;
using System.Text;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Reads a GGUF file front to back. Every length is checked against what the file still has before it is believed.</summary>
internal sealed class GgufCursor(string path, MappedFile file)
{
    /// <summary>Arrays of arrays of arrays are deeper than anything that is written.</summary>
    private const int MaxDepth = 4;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The byte that is read next.</summary>
    public long At { get; private set; }

    private long Left => file.Length - At;

    public ReadOnlySpan<byte> Bytes(int count, string what) => file.Span(Advance(count, what), count);

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, what));

    /// <summary>A count of things of which each takes some bytes, so that it cannot exceed what the file has left.</summary>
    public long Count(int leastBytes, string what)
    {
        ulong count = UInt64(what);
        return count <= (ulong)(Left / leastBytes)
            ? (long)count
            : throw Bad($"{what} claims {count} entries, but only {Left} bytes follow (truncated?)");
    }

    /// <summary>A text that becomes a name: valid, not empty, of bounded length.</summary>
    public string Name(int maxBytes, string what)
    {
        long length = Count(1, what);
        if (length == 0 || length > maxBytes)
        {
            throw Bad($"{what} has {length} bytes, but must have 1 to {maxBytes}");
        }

        return Decode(Bytes((int)length, what), what);
    }

    /// <summary>Moves over a value and tells where it stands.</summary>
    public GgufValue Value(string what)
    {
        GgufType type = Type(what);
        if (type == GgufType.Array)
        {
            return Array(what, 1);
        }

        long count = type == GgufType.Text ? Count(1, what) : 1;
        long offset = Advance(type == GgufType.Text ? count : type.Bytes(), what);
        return new GgufValue(type, type, offset, count);
    }

    private GgufValue Array(string what, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Bad($"{what} is nested more than {MaxDepth} arrays deep");
        }

        GgufType item = Type(what);
        int bytes = item.Bytes();
        long count = Count(bytes > 0 ? bytes : 8, what);
        GgufValue array = new(GgufType.Array, item, At, count);
        if (bytes > 0)
        {
            Advance(count * bytes, what);
            return array;
        }

        for (long i = 0; i < count; i++)
        {
            if (item == GgufType.Array)
            {
                Array(what, depth + 1);
            }
            else
            {
                Advance(Count(1, what), what);
            }
        }

        return array;
    }

    private GgufType Type(string what)
    {
        uint type = UInt32(what);
        return type <= (uint)GgufType.Float64 ? (GgufType)type : throw Bad($"{what} has the unknown value type {type}");
    }

    public static string? DecodeOrNull(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return s_utf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    public UserErrorException Bad(string what) => Bad(path, what);

    public static UserErrorException Bad(string path, string what) =>
        new($"{path}: {what}; download the file again or convert the model anew");

    private string Decode(ReadOnlySpan<byte> utf8, string what) => DecodeOrNull(utf8) ?? throw Bad($"{what} is no valid UTF-8");

    private long Advance(long bytes, string what)
    {
        if (bytes > Left)
        {
            throw Bad($"the file ends within {what} (truncated?)");
        }

        long at = At;
        At += bytes;
        return at;
    }
}
