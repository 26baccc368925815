using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace HeteroQwen.Hardening.Tests;

/// <summary>What a file is made of, so that it is spoilt where it hurts.</summary>
internal enum FileShape
{
    /// <summary>JSON: also spoilt as a tree, so that it stays well-formed.</summary>
    Json,

    /// <summary>Other text.</summary>
    Text,

    /// <summary>A header of binary lengths and counts before data.</summary>
    Binary,

    /// <summary>Eight bytes of length and a JSON header before data.</summary>
    Safetensors,
}

/// <summary>Spoils a valid file in one to three places; the same seed gives the same bytes.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 9, 31, 64, 255, 65536, int.MaxValue, 1ul << 31, uint.MaxValue, 1ul << 32, 1ul << 40, long.MaxValue, 1ul << 63, ulong.MaxValue,
    ];

    private static readonly string[] s_fragments =
    [
        "0", "-1", "1", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e9", "1e999", "0.5", "-0.0", "NaN", "null",
        "true", "[]", "{}", "[", "]", "{", "}", "\"", ",", ":", "\\u0000", "\\ud800", "\n", " ", "../../x", "/dev/zero", "\u00e9", "%x", "f32", "B+1",
    ];

    /// <param name="original">A valid file.</param>
    /// <param name="shape">What it is made of.</param>
    /// <param name="interesting">Bytes before the data; most places are taken from them.</param>
    public byte[] Mutate(byte[] original, FileShape shape, int interesting)
    {
        if (shape == FileShape.Json && random.Next(2) == 0)
        {
            return MutateTree(original);
        }

        if (shape == FileShape.Safetensors && random.Next(2) == 0)
        {
            return MutateHeaderTree(original, interesting);
        }

        List<byte> bytes = [.. original];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            MutateBytes(bytes, interesting);
        }

        return [.. bytes];
    }

    private void MutateBytes(List<byte> bytes, int interesting)
    {
        if (bytes.Count < 16)
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(Fragment()));
            return;
        }

        int most = random.Next(8) == 0 ? bytes.Count : Math.Min(interesting, bytes.Count);
        int at = random.Next(random.Next(3) == 0 ? Math.Min(64, most) : most);
        int rest = bytes.Count - at;
        switch (random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(random.Next(1, 40), rest));
                break;
            case 3:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(Fragment()));
                break;
            case 4:
                ReplaceNumber(bytes, at);
                break;
            case 5:
                int from = random.Next(bytes.Count);
                bytes.InsertRange(at, bytes.GetRange(from, Math.Min(random.Next(1, 200), bytes.Count - from)));
                break;
            case 6:
                OverwriteInteger(bytes, at, rest);
                break;
            default:
                bytes.RemoveRange(at, rest);
                break;
        }
    }

    /// <summary>A length or count of 4 or 8 bytes.</summary>
    private void OverwriteInteger(List<byte> bytes, int at, int rest)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, s_numbers[random.Next(s_numbers.Length)]);
        int size = Math.Min(random.Next(2) == 0 ? 4 : 8, rest);
        for (int i = 0; i < size; i++)
        {
            bytes[at + i] = number[i];
        }
    }

    /// <summary>Something else in the place of the next number.</summary>
    private void ReplaceNumber(List<byte> bytes, int from)
    {
        int begin = bytes.FindIndex(from, b => char.IsAsciiDigit((char)b));
        if (begin >= 0)
        {
            int end = bytes.FindIndex(begin, b => !char.IsAsciiDigit((char)b));
            bytes.RemoveRange(begin, (end < 0 ? bytes.Count : end) - begin);
            bytes.InsertRange(begin, Encoding.UTF8.GetBytes(Fragment()));
        }
    }

    private byte[] MutateHeaderTree(byte[] original, int headerEnd)
    {
        byte[] header = MutateTree(original[8..headerEnd]);
        byte[] file = new byte[8 + header.Length + original.Length - headerEnd];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        original.AsSpan(headerEnd).CopyTo(file.AsSpan(8 + header.Length));
        return file;
    }

    /// <summary>Drops, retypes, doubles or nests members, and keeps the JSON well-formed.</summary>
    private byte[] MutateTree(byte[] json)
    {
        JsonNode root = JsonNode.Parse(json)!;
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            JsonNode at = root;
            while (Children(at) is { Length: > 0 } children && random.Next(4) != 0)
            {
                at = children[random.Next(children.Length)];
            }

            MutateNode(at.Parent is null ? Children(at).FirstOrDefault() ?? at : at);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private void MutateNode(JsonNode node)
    {
        JsonNode? replacement = random.Next(6) switch
        {
            0 => null,
            1 => Nested(random.Next(1, 200)),
            2 => JsonValue.Create(Fragment()),
            3 => JsonValue.Create((double)(long)s_numbers[random.Next(s_numbers.Length)]),
            4 => JsonValue.Create(-random.Next()),
            _ => node.DeepClone(),
        };
        switch (node.Parent)
        {
            case JsonObject parent when random.Next(4) == 0:
                parent.Remove(node.GetPropertyName());
                break;
            case JsonObject parent:
                parent[node.GetPropertyName()] = replacement;
                break;
            case JsonArray parent when random.Next(3) == 0:
                parent.Insert(node.GetElementIndex(), replacement);
                break;
            case JsonArray parent:
                parent[node.GetElementIndex()] = replacement;
                break;
        }
    }

    private static JsonNode[] Children(JsonNode node) => node switch
    {
        JsonObject members => [.. members.Select(m => m.Value).OfType<JsonNode>()],
        JsonArray elements => [.. elements.OfType<JsonNode>()],
        _ => [],
    };

    private static JsonNode Nested(int depth)
    {
        JsonNode node = JsonValue.Create(1);
        for (int i = 0; i < depth; i++)
        {
            node = new JsonArray(node);
        }

        return node;
    }

    private string Fragment() => s_fragments[random.Next(s_fragments.Length)];
}
