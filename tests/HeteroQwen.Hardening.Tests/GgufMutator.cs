using System.Buffers.Binary;

namespace HeteroQwen.Hardening.Tests;

/// <summary>Changes one number, value or entry of a GGUF file where it lies, and counts entries anew.</summary>
internal sealed class GgufMutator(Random random)
{
    /// <summary>The file with one part changed; null where it cannot be followed.</summary>
    public byte[]? Mutate(byte[] file)
    {
        if (GgufLayout.Of(file) is not { Metadata.Count: > 0, Tensors.Count: > 0 } layout)
        {
            return null;
        }

        bool tensor = random.Next(2) == 0;
        Range entry = Pick(tensor ? layout.Tensors : layout.Metadata);
        int count = tensor ? GgufLayout.TensorCountAt : GgufLayout.KeyCountAt;
        switch (random.Next(8))
        {
            case 0:
                return Recounted(Replace(file, entry, []), count, -1);
            case 1:
                return Recounted(Replace(file, entry.Start..entry.Start, file[entry]), count, 1);
            case 2:
                return Replace(file, Pick(layout.Values), file[Pick(layout.Values)]);
            case 3:
                return Replace(file, entry, file[Pick(tensor ? layout.Tensors : layout.Metadata)]);
            default:
                return Renumbered(file, Pick(layout.Fields));
        }
    }

    private byte[] Renumbered(byte[] file, Range field)
    {
        byte[] changed = [.. file];
        Span<byte> bytes = changed.AsSpan(field);
        Span<byte> number = stackalloc byte[8];
        ulong near = random.Next(4) switch
        {
            0 => (ulong)random.Next(14),
            1 => ulong.MaxValue - (ulong)random.Next(64),
            _ => (1ul << random.Next(64)) - 1 + (ulong)random.Next(3),
        };
        BinaryPrimitives.WriteUInt64LittleEndian(number, near);
        number[..bytes.Length].CopyTo(bytes);
        return changed;
    }

    private Range Pick(List<Range> ranges) => ranges[random.Next(ranges.Count)];

    private static byte[] Replace(byte[] file, Range old, byte[] with) => [.. file[..old.Start], .. with, .. file[old.End..]];

    private static byte[] Recounted(byte[] file, int at, int by)
    {
        Span<byte> count = file.AsSpan(at, 8);
        BinaryPrimitives.WriteInt64LittleEndian(count, BinaryPrimitives.ReadInt64LittleEndian(count) + by);
        return file;
    }
}
