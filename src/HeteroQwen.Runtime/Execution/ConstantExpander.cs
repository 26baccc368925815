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
        float[] back = new float[Chunk];
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
                Write(values.AsSpan(0, count), to, new Span<byte>(destination, bytes), back.AsSpan(0, count), source.Identity);
                destination += bytes;
            }
        }
    }

    private static void Read(ConstantData source, ReadOnlySpan<byte> from, Span<float> values)
    {
        if (!ElementValues.Holds(source.Type))
        {
            throw new UserErrorException($"{source.Identity} is {source.Type.Name()}, which cannot be expanded");
        }

        ElementValues.Read(source.Type, from, values);
    }

    private static void Write(ReadOnlySpan<float> values, ElementType to, Span<byte> destination, Span<float> back, string identity)
    {
        if (!to.IsFloat())
        {
            throw new UserErrorException($"{identity} cannot be expanded to {to.Name()}");
        }

        ElementValues.Write(to, values, destination);
        ElementValues.Read(to, destination, back);
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(back[i]) && float.IsFinite(values[i]))
            {
                throw new UserErrorException(
                    $"{identity} holds {values[i]}, which overflows {to.Name()}, the type that the device reads; use --precision exact");
            }
        }
    }
}
