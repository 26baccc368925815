using System.Buffers.Binary;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

/// <summary>Spoilt copies of a small model: each opens or is refused by a sentence, and none makes the process allocate much.</summary>
public sealed class GgufMutationTests
{
    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 3, 4, 9, 31, 64, 255, 65536, int.MaxValue, 1ul << 31, uint.MaxValue, 1ul << 32, 1ul << 40, long.MaxValue, 1ul << 63,
        ulong.MaxValue,
    ];

    [Theory]
    [InlineData("tiny-dense-f32", 24_000)]
    [InlineData("tiny-moe256-q4_k", 24_000)]
    public void Open_spoilt_file_is_refused_by_a_sentence_or_opens(string name, int interesting)
    {
        using TempFolder folder = new();
        byte[] original = File.ReadAllBytes(LlamaCppGolden.PathOf(name));
        string path = folder.File("model.gguf");
        Random random = new(name.Length);
        int refused = 0;
        for (int i = 0; i < 400; i++)
        {
            byte[] bytes = Mutate(original, interesting, random);
            folder.Write("model.gguf", bytes);
            refused += Hostile.Refuses(path, i, bytes, () => Use(path)) ? 1 : 0;
        }

        Assert.InRange(refused, 100, 400);
    }

    private static void Use(string path)
    {
        using GgufModel model = GgufModel.Open(path);
        model.Text.Tokenizer?.Encode("Hello the world, <|im_end|> 你好", allowSpecial: true);
        _ = model.Text.Template.Warning;
        foreach (string name in model.Names)
        {
            GgufWriter.Bytes(model.Get(name)).AsSpan().IndexOf((byte)1);
        }
    }

    private static byte[] Mutate(byte[] original, int interesting, Random random)
    {
        List<byte> bytes = [.. original];
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            // Half of them in the counts and keys, where it hurts most; the rest anywhere before the data.
            int at = random.Next(Math.Min(random.Next(2) == 0 ? 900 : interesting, bytes.Count - 8));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at - 8));
                    break;
                case 3:
                    bytes.InsertRange(at, new byte[random.Next(1, 40)]);
                    break;
                case 4:
                    byte[] number = new byte[8];
                    BinaryPrimitives.WriteUInt64LittleEndian(number, s_numbers[random.Next(s_numbers.Length)]);
                    int size = random.Next(2) == 0 ? 4 : 8;
                    bytes.RemoveRange(at, size);
                    bytes.InsertRange(at, number[..size]);
                    break;
                default:
                    int cut = random.Next(9, bytes.Count);
                    bytes.RemoveRange(cut, bytes.Count - cut);
                    break;
            }
        }

        return [.. bytes];
    }
}
