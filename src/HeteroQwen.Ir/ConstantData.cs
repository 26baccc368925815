using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>A run of bytes in host memory that stays mapped and unchanged while its owner is open.</summary>
public readonly record struct ByteRange(nint Address, long Length);

/// <summary>
/// The bytes of one constant: dense, row-major, little-endian. They lie in an ordered list of ranges joined on axis 0 (experts that a
/// file stores one by one are one constant), or a <see cref="Generator"/> makes them when asked. Two constants with the same
/// <see cref="Identity"/> are the same bytes.
/// </summary>
public sealed record ConstantData(string Identity, ElementType Type, ImmutableArray<long> Shape, ImmutableArray<ByteRange> Ranges)
{
    /// <summary>What makes the bytes; null where they lie in <see cref="Ranges"/>, which are else empty.</summary>
    public ConstantGenerator? Generator { get; init; }

    public long Bytes => Generator is null
        ? Ranges.Sum(r => r.Length)
        : Type.Bytes(Shape.Aggregate(1L, (product, dim) => checked(product * dim)));

    /// <summary>A constant whose bytes are made from a seed.</summary>
    /// <exception cref="ArgumentException">Such bytes cannot be made, or the rows are no whole number of blocks.</exception>
    public static ConstantData Generated(string identity, ElementType type, ImmutableArray<long> shape, ConstantGenerator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        generator.Check(type);
        _ = type.Bytes(shape[^1]);
        return new ConstantData(identity, type, shape, []) { Generator = generator };
    }

    /// <summary>
    /// Writes <paramref name="bytes"/> bytes from <paramref name="offset"/> on, whichever way they come about; of a generated constant
    /// whole blocks only. Any number of threads may read at a time.
    /// </summary>
    /// <exception cref="ArgumentException">The bytes are not all of this constant, are no whole blocks, or cannot be generated.</exception>
    public unsafe void Read(long offset, nint destination, long bytes)
    {
        if (offset < 0 || bytes < 0 || offset > Bytes - bytes)
        {
            throw new ArgumentException($"{Identity}: {bytes} bytes from byte {offset} on are not within its {Bytes}");
        }

        if (Generator is null)
        {
            ReadRanges(offset, (byte*)destination, bytes);
            return;
        }

        int block = Type.BlockBytes();
        if (offset % block != 0 || bytes % block != 0)
        {
            throw new ArgumentException($"{Identity}: {bytes} bytes from byte {offset} on are no whole blocks of {block} bytes");
        }

        Generator.Fill(Type, offset / block, (byte*)destination, bytes / block);
    }

    private unsafe void ReadRanges(long offset, byte* destination, long bytes)
    {
        foreach (ByteRange range in Ranges)
        {
            long length = Math.Min(range.Length - offset, bytes);
            if (length > 0)
            {
                Buffer.MemoryCopy((byte*)range.Address + offset, destination, bytes, length);
                destination += length;
                bytes -= length;
            }

            offset = Math.Max(0, offset - range.Length);
        }
    }
}
