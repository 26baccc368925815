using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Tests;

/// <summary>A tensor in host memory, as operand or result of one op.</summary>
/// <param name="Element">Element type.</param>
/// <param name="Dims">Dimensions; symbols are those of the run's bindings.</param>
/// <param name="Data">The elements, dense; for a strided tensor the memory that its strides and offset index.</param>
public sealed record TestTensor(ElementType Element, ImmutableArray<Dim> Dims, byte[] Data)
{
    public TensorRole Role { get; init; } = TensorRole.Input;

    /// <summary>Elements from one index to the next on each axis; null if dense.</summary>
    public ImmutableArray<long>? Strides { get; init; }

    /// <summary>Elements from the start of <see cref="Data"/> to element 0 of a strided tensor.</summary>
    public long Offset { get; init; }

    /// <summary>Constants: pieces of axis 0 that lie apart in memory.</summary>
    public int Ranges { get; init; } = 1;

    public TensorType Type => new(Element, Dims.AsSpan());

    public TestTensor AsConstant(int ranges = 1) => this with { Role = TensorRole.Constant, Ranges = ranges };

    public TestTensor AsState() => this with { Role = TensorRole.State };

    /// <summary>A view of the same memory.</summary>
    public TestTensor View(Dim[] dims, long[] strides, long offset = 0) =>
        this with { Dims = [.. dims], Strides = [.. strides], Offset = offset };

    public static TestTensor Of(float[] values, params Dim[] dims) => Of(ElementType.F32, values, dims);

    public static TestTensor Of(int[] values, params Dim[] dims) =>
        new(ElementType.I32, [.. dims], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static TestTensor Of(bool[] values, params Dim[] dims) =>
        new(ElementType.Bool, [.. dims], [.. values.Select(v => v ? (byte)1 : (byte)0)]);

    /// <summary>Blocks of random bytes, save their scales, which keep the values below about twice <paramref name="scale"/>.</summary>
    public static TestTensor OfBlocks(ElementType element, int seed, float scale, params Dim[] dims)
    {
        byte[] data = new byte[element.Bytes(dims.Aggregate(1L, (count, dim) => count * dim.Constant))];
        Random random = new(seed);
        random.NextBytes(data);
        (int at, float most) = element switch
        {
            ElementType.Q8_0 => (0, 128),
            ElementType.Q4_0 => (0, 8),
            ElementType.Q4_K => (0, 63 * 15),
            _ => (208, 128 * 32f),
        };
        for (int block = 0; block < data.Length; block += element.BlockBytes())
        {
            void Put(int place, float value) => BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(block + place), (Half)value);
            Put(at, scale * (1 + random.NextSingle()) / most);
            if (element == ElementType.Q4_K)
            {
                Put(2, scale * random.NextSingle() / 63);
            }
        }

        return new(element, [.. dims], data);
    }

    /// <summary>The values in a float type, rounded to nearest even, or in Q8_0.</summary>
    public static TestTensor Of(ElementType element, float[] values, params Dim[] dims) => new(element, [.. dims], element switch
    {
        ElementType.F32 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
        ElementType.F16 => MemoryMarshal.AsBytes(values.Select(v => (Half)v).ToArray().AsSpan()).ToArray(),
        ElementType.BF16 => MemoryMarshal.AsBytes(values.Select(ToBFloat16).ToArray().AsSpan()).ToArray(),
        ElementType.Q8_0 => ToQ8(values),
        _ => throw new ArgumentException($"{element.Name()} is no type that values are rounded to"),
    });

    /// <summary>The same elements, dense.</summary>
    public TestTensor Dense(Bindings bindings = default)
    {
        if (Strides is not { } strides)
        {
            return this;
        }

        int size = Element.BlockBytes();
        long[] dims = [.. Dims.Select(d => d.Resolve(bindings))];
        byte[] dense = new byte[size * (int)dims.Aggregate(1L, (product, dim) => product * dim)];
        for (int to = 0; to < dense.Length; to += size)
        {
            (long from, long rest) = (Offset, to / size);
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                from += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }

            Data.AsSpan((int)from * size, size).CopyTo(dense.AsSpan(to));
        }

        return this with { Data = dense, Strides = null, Offset = 0 };
    }

    /// <summary>Strides of the dense tensor.</summary>
    public static long[] DenseStrides(IReadOnlyList<long> dims)
    {
        long[] strides = new long[dims.Count];
        long stride = 1;
        for (int axis = dims.Count - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= dims[axis];
        }

        return strides;
    }

    /// <summary>The elements of a dense float or quantised tensor.</summary>
    public float[] Floats() => Element switch
    {
        ElementType.F32 => MemoryMarshal.Cast<byte, float>(Data).ToArray(),
        ElementType.F16 => [.. MemoryMarshal.Cast<byte, Half>(Data).ToArray().Select(h => (float)h)],
        ElementType.BF16 => [.. MemoryMarshal.Cast<byte, ushort>(Data).ToArray().Select(b => BitConverter.Int32BitsToSingle(b << 16))],
        _ => Dequantised(),
    };

    public int[] Ints() => Element == ElementType.I32
        ? MemoryMarshal.Cast<byte, int>(Data).ToArray() : throw new InvalidOperationException($"{Element.Name()} is not i32");

    public bool[] Bools() => Element == ElementType.Bool
        ? [.. Data.Select(b => b != 0)] : throw new InvalidOperationException($"{Element.Name()} is not bool");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Role} {Type}, {Data.Length} bytes");

    private float[] Dequantised()
    {
        float[] values = new float[Data.Length / Element.BlockBytes() * Element.BlockElements()];
        BlockFormats.Dequantize(Element, Data, values);
        return values;
    }

    private static byte[] ToQ8(float[] values)
    {
        byte[] blocks = new byte[ElementType.Q8_0.Bytes(values.Length)];
        Q8_0.Quantize(values, blocks);
        return blocks;
    }

    private static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
