using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// A weight in a type that the device can read, made once at load: to f32 without loss, or to a 16-bit type, where a value that
/// overflows it is an error.
/// </summary>
internal sealed unsafe class ConstantExpander : IDisposable
{
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

    private static void Convert(ConstantData source, ElementType to, byte* destination)
    {
        foreach (ByteRange range in source.Ranges)
        {
            long elements = range.Length / source.Type.BlockBytes() * source.Type.BlockElements();
            for (long i = 0; i < elements; i++)
            {
                float value = Read((byte*)range.Address, i, source);
                Write(destination, i, value, to, source.Identity);
            }

            destination += to.Bytes(elements);
        }
    }

    private static float Read(byte* address, long index, ConstantData source) => source.Type switch
    {
        ElementType.F32 => Unsafe.ReadUnaligned<float>(address + (4 * index)),
        ElementType.F16 => (float)Unsafe.ReadUnaligned<Half>(address + (2 * index)),
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)Unsafe.ReadUnaligned<ushort>(address + (2 * index)) << 16),
        _ => throw new UserErrorException($"{source.Identity} is {source.Type.Name()}, which cannot be expanded"),
    };

    private static void Write(byte* address, long index, float value, ElementType to, string identity)
    {
        switch (to)
        {
            case ElementType.F32:
                Unsafe.WriteUnaligned(address + (4 * index), value);
                return;
            case ElementType.F16:
                Half half = (Half)value;
                RequireFinite(Half.IsFinite(half) || !float.IsFinite(value), value, to, identity);
                Unsafe.WriteUnaligned(address + (2 * index), half);
                return;
            case ElementType.BF16:
                ushort rounded = BFloat16Bits(value);
                RequireFinite((rounded & 0x7F80) != 0x7F80 || !float.IsFinite(value), value, to, identity);
                Unsafe.WriteUnaligned(address + (2 * index), rounded);
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
            throw new UserErrorException($"{identity} holds {value}, which overflows {to.Name()}, the type that the device reads; use --precision exact");
        }
    }
}
