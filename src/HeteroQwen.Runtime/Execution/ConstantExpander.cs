using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// A weight in a type that the device can read, made once at load: to f32 without loss, or to a 16-bit type, where a value that
/// overflows it is an error.
/// </summary>
internal sealed unsafe class ConstantExpander : IDisposable
{
    /// <summary>Elements; whole blocks of every type.</summary>
    private const int Chunk = 4096;

    private readonly Dictionary<string, (ConstantData Data, nint Address)> _expanded = new(StringComparer.Ordinal);

    public long Bytes => _expanded.Values.Sum(e => e.Data.Bytes);

    public ConstantData Expand(ConstantData source, ElementType to)
    {
        string identity = $"{source.Identity} as {to.Name()}";
        if (!_expanded.TryGetValue(identity, out (ConstantData Data, nint Address) entry))
        {
            long elements = source.Shape.Aggregate(1L, (product, dim) => checked(product * dim));
            long bytes = to.Bytes(elements);
            nint address = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
            entry = (new(identity, to, source.Shape, [new(address, bytes)]), address);
            _expanded.Add(identity, entry);
            Convert(source, to, (byte*)address);
        }

        return entry.Data;
    }

    public void Dispose()
    {
        foreach ((_, nint address) in _expanded.Values)
        {
            NativeMemory.AlignedFree((void*)address);
        }

        _expanded.Clear();
    }

    /// <summary>A chunk at a time: long enough that a type is looked up seldom, short enough to stay in the cache.</summary>
    private static void Convert(ConstantData source, ElementType to, byte* destination)
    {
        Span<float> values = new float[Chunk];
        foreach (ByteRange range in source.Ranges)
        {
            long elements = range.Length / source.Type.BlockBytes() * source.Type.BlockElements();
            byte* from = (byte*)range.Address;
            for (long left = elements; left > 0; left -= Chunk)
            {
                int count = (int)Math.Min(left, Chunk);
                int bytes = (int)source.Type.Bytes(count);
                Read(source, new ReadOnlySpan<byte>(from, bytes), values[..count]);
                from += bytes;
                bytes = (int)to.Bytes(count);
                Write(values[..count], to, new Span<byte>(destination, bytes), source.Identity);
                destination += bytes;
            }
        }
    }

    private static void Read(ConstantData source, ReadOnlySpan<byte> from, Span<float> values)
    {
        switch (source.Type)
        {
            case ElementType.F32:
                from.CopyTo(MemoryMarshal.AsBytes(values));
                return;
            case ElementType.F16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(from);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = (float)halves[i];
                }

                return;
            case ElementType.BF16:
                ReadOnlySpan<ushort> brains = MemoryMarshal.Cast<byte, ushort>(from);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)brains[i] << 16);
                }

                return;
            case var type when type.IsQuantized():
                BlockFormats.Dequantize(type, from, values);
                return;
            default:
                throw new UserErrorException($"{source.Identity} is {source.Type.Name()}, which cannot be expanded");
        }
    }

    private static void Write(ReadOnlySpan<float> values, ElementType to, Span<byte> destination, string identity)
    {
        switch (to)
        {
            case ElementType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(destination);
                return;
            case ElementType.F16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(destination);
                for (int i = 0; i < values.Length; i++)
                {
                    halves[i] = (Half)values[i];
                    RequireFinite(Half.IsFinite(halves[i]) || !float.IsFinite(values[i]), values[i], to, identity);
                }

                return;
            case ElementType.BF16:
                Span<ushort> brains = MemoryMarshal.Cast<byte, ushort>(destination);
                for (int i = 0; i < values.Length; i++)
                {
                    brains[i] = BFloat16Bits(values[i]);
                    RequireFinite((brains[i] & 0x7F80) != 0x7F80 || !float.IsFinite(values[i]), values[i], to, identity);
                }

                return;
            default:
                throw new UserErrorException($"{identity} cannot be expanded to {to.Name()}");
        }
    }

    /// <summary>To nearest even; a NaN stays one.</summary>
    private static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void RequireFinite(bool fits, float value, ElementType to, string identity)
    {
        if (!fits)
        {
            throw new UserErrorException(
                $"{identity} holds {value}, which overflows {to.Name()}, the type that the device reads; use --precision exact");
        }
    }
}
