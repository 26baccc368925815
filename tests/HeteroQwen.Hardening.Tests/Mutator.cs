using System.Buffers.Binary;
using System.Text;

namespace HeteroQwen.Hardening.Tests;

/// <summary>What a file is made of, so that it is spoilt where it hurts: two times of three in its structure, which stays intact.</summary>
internal enum FileShape
{
    Json,

    /// <summary>Other text.</summary>
    Text,

    /// <summary>Eight bytes of length and a JSON header before data.</summary>
    Safetensors,

    /// <summary>Binary lengths, counts and entries before data.</summary>
    Gguf,
}

/// <summary>Spoils a valid file in one to three places; the same seed gives the same bytes.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 9, 31, 64, 255, 65536, int.MaxValue, 1ul << 31, uint.MaxValue, 1ul << 32, 1ul << 40, long.MaxValue, 1ul << 63,
        ulong.MaxValue,
    ];

    private static readonly string[] s_fragments =
    [
        "0", "-1", "1", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e9", "1e999", "1E-999", "0.5",
        "-0.0", "NaN", "null", "true", "[]", "{}", "[", "]", "{", "}", "(", ")", "=", "\"", ",", ":", "\\", "//", "\\u0000", "\\u12",
        "\\ud800", "\n", " ", "\0", "../../x", "/dev/zero", "\u00e9", "%x", "%k.0", "f32", "q4_k", "B+", "B+1", "N", "state", "const",
        "output", "permute", "copy", "attention", "attention_block", "input %z : f32[T]\n", "{axis = 4294967296}", "kind = \"add\"",
        "f32[9999999999, 9999999999]",
    ];

    /// <param name="original">A valid file.</param>
    /// <param name="shape">What it is made of.</param>
    /// <param name="interesting">Bytes before the data; most places are taken from them.</param>
    public byte[] Mutate(byte[] original, FileShape shape, int interesting)
    {
        if (interesting < original.Length && random.Next(4) == 0)
        {
            return MutateData(original, interesting);
        }

        byte[] file = original;
        bool byStructure = random.Next(3) != 0;
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            file = (byStructure ? MutateStructure(file, shape) : null) ?? MutateBytes(file, interesting);
        }

        return file;
    }

    /// <summary>Any bytes are valid weights, NaN and infinities too: such a file opens, and what comes of it shows in the answer.</summary>
    private byte[] MutateData(byte[] original, int start)
    {
        byte[] file = [.. original];
        for (int n = random.Next(2) == 0 ? 1 : random.Next(1000); n > 0; n--)
        {
            file[random.Next(start, file.Length)] = (byte)random.Next(256);
        }

        return file;
    }

    private byte[]? MutateStructure(byte[] file, FileShape shape) => shape switch
    {
        FileShape.Json => new JsonMutator(random).Mutate(file),
        FileShape.Safetensors => MutateHeader(file),
        FileShape.Gguf => new GgufMutator(random).Mutate(file),
        _ => MutateWords(file),
    };

    /// <summary>Puts a word in the place of another, or a line; or drops it.</summary>
    private byte[] MutateWords(byte[] file)
    {
        char separator = random.Next(3) == 0 ? '\n' : ' ';
        List<string> words = [.. Encoding.UTF8.GetString(file).Split(separator)];
        int at = random.Next(words.Count);
        words[at] = random.Next(3) == 0 ? Fragment() : words[random.Next(words.Count)];
        if (random.Next(4) == 0)
        {
            words.RemoveAt(at);
        }

        return Encoding.UTF8.GetBytes(string.Join(separator, words));
    }

    /// <summary>Changes the JSON header, and writes its new length before it.</summary>
    private byte[]? MutateHeader(byte[] file)
    {
        long length = file.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file);
        if (length < 0 || length > file.Length - 8)
        {
            return null;
        }

        int end = 8 + (int)length;
        return new JsonMutator(random).Mutate(file[8..end]) is { } header
            ? [.. BitConverter.GetBytes((long)header.Length), .. header, .. file[end..]]
            : null;
    }

    private byte[] MutateBytes(byte[] file, int interesting)
    {
        List<byte> bytes = [.. file];
        MutateBytes(bytes, interesting);
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

    private string Fragment() => s_fragments[random.Next(s_fragments.Length)];
}
