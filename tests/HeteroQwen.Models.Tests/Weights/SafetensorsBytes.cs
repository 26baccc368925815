using System.Buffers.Binary;
using System.Text;

namespace HeteroQwen.Models.Tests;

/// <summary>Safetensors files made of a header as text and data of a given length, right or wrong.</summary>
internal static class SafetensorsBytes
{
    public static byte[] Of(string header, int dataBytes, ulong? claimedHeader = null)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + text.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedHeader ?? (ulong)text.Length);
        text.CopyTo(file, 8);
        for (int i = 0; i < dataBytes; i++)
        {
            file[8 + text.Length + i] = (byte)(i + 1);
        }

        return file;
    }

    public static string Entry(string name, string type, string shape, long begin, long end) =>
        $$"""
        "{{name}}":{"dtype":"{{type}}","shape":[{{shape}}],"data_offsets":[{{begin}},{{end}}]}
        """;

    /// <summary>The header of a file and where its data begin.</summary>
    public static (string Header, int DataStart) Split(byte[] file)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        return (Encoding.UTF8.GetString(file, 8, length), 8 + length);
    }

    /// <summary>The same data under a changed header.</summary>
    public static byte[] WithHeader(byte[] file, string header)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)text.Length);
        return [.. length, .. text, .. file.AsSpan(Split(file).DataStart)];
    }
}
