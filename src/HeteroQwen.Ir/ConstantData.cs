using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>A run of bytes in host memory that stays mapped and unchanged while its owner is open.</summary>
public readonly record struct ByteRange(nint Address, long Length);

/// <summary>
/// The bytes of one constant: dense, row-major, little-endian, as an ordered list of ranges joined on axis 0 (experts that a
/// file stores one by one are one constant). Two constants with the same <see cref="Identity"/> are the same bytes.
/// </summary>
public sealed record ConstantData(string Identity, ElementType Type, ImmutableArray<long> Shape, ImmutableArray<ByteRange> Ranges)
{
    public long Bytes => Ranges.Sum(r => r.Length);
}
