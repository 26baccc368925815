using System.Text;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Spoilt copies of a small model: each opens or is refused by a sentence, and none makes the process allocate much.</summary>
public sealed class MutationTests
{
    private static readonly string[] s_bits =
    [
        "0", "-1", "9223372036854775807", "99999999999999999999", "1e9", "null", "[", "]", "{", "}", "\"", ",", ":", "\\u0000", "\\ud800",
        "\n", " ",
    ];

    [Theory]
    [InlineData("dense-tied-f32", "model.safetensors")]
    [InlineData("dense-tied-f32", "config.json")]
    [InlineData("moe-bf16", "model.safetensors.index.json")]
    [InlineData("moe-bf16", "config.json")]
    [InlineData("moe-bf16", "model-00001-of-00002.safetensors")]
    public void Open_spoilt_file_is_refused_by_a_sentence_or_opens(string model, string file)
    {
        using TempFolder folder = TempFolder.CopyOf(model);
        byte[] original = File.ReadAllBytes(folder.File(file));
        bool weights = file.EndsWith(".safetensors", StringComparison.Ordinal);
        int interesting = weights ? SafetensorsBytes.Split(original).DataStart : original.Length;
        Random random = new(file.Length + model.Length);
        int refused = 0;
        for (int i = 0; i < 400; i++)
        {
            byte[] bytes = Mutate(original, interesting, random);
            folder.Write(file, bytes);
            refused += Hostile.Refuses(folder.Path, i, bytes, () => HuggingFaceFolder.Open(folder.Path).Dispose()) ? 1 : 0;
        }

        Assert.InRange(refused, 100, 400);
    }

    private static byte[] Mutate(byte[] original, int interesting, Random random)
    {
        List<byte> bytes = [.. original];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(Math.Min(interesting, bytes.Count));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at - 1));
                    break;
                case 3:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(s_bits[random.Next(s_bits.Length)]));
                    break;
                case 4:
                    ReplaceNumber(bytes, at, Encoding.UTF8.GetBytes(s_bits[random.Next(s_bits.Length)]));
                    break;
                default:
                    int cut = random.Next(1, bytes.Count);
                    bytes.RemoveRange(cut, bytes.Count - cut);
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Puts something else in the place of the next number, where it hurts most.</summary>
    private static void ReplaceNumber(List<byte> bytes, int from, byte[] with)
    {
        int begin = bytes.FindIndex(from, b => char.IsAsciiDigit((char)b));
        if (begin >= 0)
        {
            int end = bytes.FindIndex(begin, b => !char.IsAsciiDigit((char)b));
            bytes.RemoveRange(begin, (end < 0 ? bytes.Count : end) - begin);
            bytes.InsertRange(begin, with);
        }
    }

    // The dearest headers per byte: many tensors with the shortest entries.
    [Fact]
    public void Open_header_of_many_tiny_tensors_allocates_in_proportion()
    {
        using TempFolder folder = new();
        StringBuilder header = new("{");
        for (int i = 0; i < 200_000; i++)
        {
            header.Append(i == 0 ? "" : ",").Append($"\"{i:x}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        }

        byte[] bytes = SafetensorsBytes.Of(header.Append('}').ToString(), 0);
        string path = folder.Write("x.safetensors", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(200_000, file.Tensors.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20L * bytes.Length);
    }
}
