using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>Seeded operands, and the same elements in other layouts.</summary>
internal static class Data
{
    public static TestTensor Floats(int seed, params ReadOnlySpan<long> dims) => Floats(seed, ElementType.F32, 1, dims);

    /// <summary>Values of about normal distribution times <paramref name="scale"/>.</summary>
    public static TestTensor Floats(int seed, ElementType type, float scale, params ReadOnlySpan<long> dims)
    {
        Random random = new(seed);
        float[] values = new float[Count(dims)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = scale * (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 2;
        }

        return TestTensor.Of(type, values, Dims(dims));
    }

    public static TestTensor Ints(int seed, int bound, params ReadOnlySpan<long> dims)
    {
        Random random = new(seed);
        return TestTensor.Of([.. Enumerable.Range(0, Count(dims)).Select(_ => random.Next(bound))], Dims(dims));
    }

    public static TestTensor Bools(int seed, params ReadOnlySpan<long> dims)
    {
        Random random = new(seed);
        return TestTensor.Of([.. Enumerable.Range(0, Count(dims)).Select(_ => random.Next(2) == 0)], Dims(dims));
    }

    /// <summary>Whole numbers as f32, among which many are equal.</summary>
    public static TestTensor AsFloats(this TestTensor ints) => TestTensor.Of([.. ints.Ints().Select(i => (float)i)], [.. ints.Dims]);

    /// <summary>The elements with rows that lie apart.</summary>
    public static TestTensor WithGaps(this TestTensor dense)
    {
        long[] strides = new long[dense.Dims.Length];
        long stride = 1;
        for (int i = strides.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dense.Dims[i].Constant + (i == strides.Length - 1 ? 3 : 0);
        }

        return Lay(dense, strides, stride);
    }

    /// <summary>The elements with the first axis innermost, and every second place unused.</summary>
    public static TestTensor Transposed(this TestTensor dense)
    {
        long[] strides = new long[dense.Dims.Length];
        long stride = 2;
        for (int i = 0; i < strides.Length; i++)
        {
            strides[i] = stride;
            stride *= dense.Dims[i].Constant;
        }

        return Lay(dense, strides, stride);
    }

    private static TestTensor Lay(TestTensor dense, long[] strides, long places)
    {
        int size = dense.Element.BlockBytes();
        byte[] memory = new byte[places * size];
        memory.AsSpan().Fill(0xFF);
        long[] dims = [.. dense.Dims.Select(d => d.Constant)];
        for (int i = 0; i < dense.Data.Length / size; i++)
        {
            long rest = i;
            long place = 0;
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                place += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }

            dense.Data.AsSpan(i * size, size).CopyTo(memory.AsSpan((int)place * size));
        }

        return dense with { Data = memory, Strides = [.. strides] };
    }

    /// <summary>Types of weights.</summary>
    public static ElementType[] WeightTypes => [.. ElementTypes.All.Where(t => t.IsFloat() || t.IsQuantized())];

    /// <summary>Values such that a product with normal activations is about as large as they are.</summary>
    public static TestTensor Weight(int seed, ElementType type, params ReadOnlySpan<long> dims)
    {
        float scale = 1 / MathF.Sqrt(dims[^1]);
        return (type.IsQuantized() ? TestTensor.OfBlocks(type, seed, 2 * scale, Dims(dims)) : Floats(seed, type, scale, dims)).AsConstant();
    }

    /// <summary>The weight of a norm, about 1.</summary>
    public static TestTensor Norm(int seed, int length) =>
        TestTensor.Of([.. Floats(seed, length).Floats().Select(x => 1 + (x / 8))], length).AsConstant();

    /// <summary>What one block of packed products may be off, in NMSE: f32 sums, or activations in int8 or BF16 three times over.</summary>
    public static double PackedNmse(ElementType type) => type.IsQuantized() ? 6e-4 : type == ElementType.BF16 ? 2e-5 : 1e-11;

    private static int Count(ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (long dim in dims)
        {
            count *= dim;
        }

        return (int)count;
    }

    private static Dim[] Dims(ReadOnlySpan<long> dims)
    {
        var result = new Dim[dims.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            result[i] = dims[i];
        }

        return result;
    }
}
