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
    private const int Chunk = 1 << 14;

    private readonly Dictionary<string, (ConstantData Data, nint Address)> _expanded = new(StringComparer.Ordinal);

    /// <summary>Bytes of all that was expanded, freed or not.</summary>
    public long Bytes { get; private set; }

    public ConstantData Expand(ConstantData source, ElementType to)
    {
        string identity = Identity(source, to);
        if (!_expanded.TryGetValue(identity, out (ConstantData Data, nint Address) entry))
        {
            long elements = source.Shape.Aggregate(1L, (product, dim) => checked(product * dim));
            long bytes = to.Bytes(elements);
            nint address = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
            entry = (new(identity, to, source.Shape, [new(address, bytes)]), address);
            _expanded.Add(identity, entry);
            Bytes += bytes;
            Convert(source, to, (byte*)address);
        }

        return entry.Data;
    }

    /// <summary>Frees an expanded constant that no kernel reads any more.</summary>
    public void Free(ConstantData source, ElementType to)
    {
        if (_expanded.Remove(Identity(source, to), out (ConstantData Data, nint Address) entry))
        {
            NativeMemory.AlignedFree((void*)entry.Address);
        }
    }

    public void Dispose()
    {
        foreach ((_, nint address) in _expanded.Values)
        {
            NativeMemory.AlignedFree((void*)address);
        }

        _expanded.Clear();
    }

    private static string Identity(ConstantData source, ElementType to) => $"{source.Identity} as {to.Name()}";

    /// <summary>A chunk at a time, so that no constant is whole in memory twice, and each is in the cache when it is converted.</summary>
    private static void Convert(ConstantData source, ElementType to, byte* destination)
    {
        float[] values = new float[Chunk];
        byte[] chunk = new byte[source.Type.Bytes(Chunk)];
        long left = source.Bytes;
        fixed (byte* from = chunk)
        {
            for (long at = 0; left > 0; at += chunk.Length, left -= chunk.Length)
            {
                int bytes = (int)Math.Min(left, chunk.Length);
                source.Read(at, (nint)from, bytes);
                int count = bytes / source.Type.BlockBytes() * source.Type.BlockElements();
                Read(source, chunk.AsSpan(0, bytes), values.AsSpan(0, count));
                bytes = (int)to.Bytes(count);
                Write(values.AsSpan(0, count), to, new Span<byte>(destination, bytes), source.Identity);
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
