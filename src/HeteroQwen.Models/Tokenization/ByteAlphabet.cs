using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// GPT-2's byte-level alphabet: each byte is written as a visible character, itself where it is one, else one from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_characters = BuildCharacters();
    private static readonly short[] s_bytes = BuildBytes();

    /// <summary>The characters that stand for the 256 bytes, in the bytes' order.</summary>
    public static ReadOnlySpan<char> Characters => s_characters;

    /// <summary>Appends a token's bytes; one with a character outside the alphabet stands for its own UTF-8, as in Hugging Face.</summary>
    public static void AppendBytes(string token, List<byte> bytes)
    {
        var start = bytes.Count;
        foreach (var c in token)
        {
            if (c >= s_bytes.Length || s_bytes[c] < 0)
            {
                bytes.RemoveRange(start, bytes.Count - start);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }
            bytes.Add((byte)s_bytes[c]);
        }
    }

    private static char[] BuildCharacters()
    {
        var characters = new char[256];
        var next = 0x100;
        for (var b = 0; b < 256; b++)
        {
            var visible = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[b] = (char)(visible ? b : next++);
        }
        return characters;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[s_characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < 256; b++)
            bytes[s_characters[b]] = (short)b;
        return bytes;
    }
}
