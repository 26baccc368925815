using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class MovementTests
{
    private const float Inf = float.PositiveInfinity;

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Gather_reads_rows_of_each_type_and_of_all_ranges(ElementType type)
    {
        TestTensor table = TestTensor.Of(type, [1, 2, 3, 4, 5, 6, 7, 8], 4, 2).AsConstant(ranges: 4);
        TestTensor[] y = Reference.Run(GatherRows.Instance, Attributes.Empty, table, TestTensor.Of([3, 0, 3, 1], 2, 2));
        Assert.Equal([7f, 8, 1, 2, 7, 8, 3, 4], y[0].Floats());
        Assert.Equal([2L, 2, 2], y[0].Dims.Select(d => d.Constant));
    }

    [Fact]
    public void Gather_by_a_scalar_index_and_of_rows_of_several_dimensions()
    {
        TestTensor table = TestTensor.Of(Reference.Random(1, 24), 2, 3, 4).View([3, 4, 2], [4, 1, 12]);
        float[] dense = table.Dense().Floats();
        Assert.Equal(dense[16..24], Reference.Floats(GatherRows.Instance, Attributes.Empty, table, TestTensor.Of([2])));
    }

    [Fact]
    public void Gather_by_a_strided_index()
    {
        TestTensor index = TestTensor.Of([0, 9, 1, 9, 2], 5).View([3], [2]);
        Assert.Equal([1f, 2, 3], Reference.Floats(GatherRows.Instance, Attributes.Empty, TestTensor.Of([1f, 2, 3], 3, 1), index));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void Gather_and_scatter_refuse_an_index_out_of_range(int index)
    {
        TestTensor table = TestTensor.Of(new float[8], 4, 2);
        string gather = Reference.Refusal(GatherRows.Instance, Attributes.Empty, default, table, TestTensor.Of([0, index], 2));
        Assert.Equal($"gather_rows: the index holds {index}, and only 0 to 3 is in range", gather);
        string scatter = Reference.Refusal(
            ScatterRows.Instance, Attributes.Empty, default, table.AsState(),
            TestTensor.Of([0, index], 2), TestTensor.Of(new float[4], 2, 2));
        Assert.Equal($"scatter_rows: the index holds {index}, and only 0 to 3 is in range", scatter);
    }

    [Theory]
    [InlineData(ElementType.F32, 65520f, -1e-40f)]
    [InlineData(ElementType.F16, Inf, -0f)]
    [InlineData(ElementType.BF16, 65536f, -9.18354962e-41f)]
    public void Scatter_casts_into_the_state_and_leaves_other_rows(ElementType type, float large, float tiny)
    {
        TestTensor state = TestTensor.Of(type, [1, 2, 3, 4, 5, 6], 3, 2).AsState();
        TestTensor rows = TestTensor.Of([65520f, -1e-40f, 7, 8], 2, 2);
        TestTensor next = Reference.Run(ScatterRows.Instance, Attributes.Empty, state, TestTensor.Of([2, 0], 2), rows)[0];
        Assert.Equal([7f, 8, 3, 4], next.Floats()[..4]);
        Assert.Equal(large, next.Floats()[4]);
        Assert.Equal(tiny, next.Floats()[5]);
    }

    [Fact]
    public void Scatter_of_strided_rows_of_several_dimensions()
    {
        TestTensor state = TestTensor.Of(new float[24], 4, 2, 3).AsState();
        TestTensor rows = TestTensor.Of(Reference.Random(2, 12), 2, 3, 2).View([2, 2, 3], [6, 1, 2]);
        float[] next = Reference.Floats(ScatterRows.Instance, Attributes.Empty, state, TestTensor.Of([3, 1], 2), rows);
        float[] dense = rows.Dense().Floats();
        Assert.Equal([.. new float[6], .. dense[6..], .. new float[6], .. dense[..6]], next);
    }

    [Fact]
    public void Casts_round_to_nearest_even_overflow_to_infinity_and_keep_NaN()
    {
        float[] x = [1 + MathF.ScaleB(1, -11), 1 + MathF.ScaleB(3, -11), 65519, 65520, -65520,
            MathF.ScaleB(1, -25), MathF.ScaleB(3, -26), float.NaN, -0f];
        float[] half = Reference.Floats(Copy.Instance, new(("to", "f16")), TestTensor.Of(x, x.Length));
        Assert.Equal([1, 1 + MathF.ScaleB(1, -9), 65504, Inf, -Inf, 0, MathF.ScaleB(1, -24), float.NaN, -0f], half);

        float[] z = [1 + MathF.ScaleB(1, -8), 1 + MathF.ScaleB(3, -8), float.MaxValue, -float.MaxValue,
            BitConverter.UInt32BitsToSingle(0x7F800001), Inf];
        float[] brain = Reference.Floats(Copy.Instance, new(("to", "bf16")), TestTensor.Of(z, z.Length));
        Assert.Equal([1, 1 + MathF.ScaleB(1, -6), Inf, -Inf, float.NaN, Inf], brain);
    }

    [Fact]
    public void Casts_between_16_bit_types_and_back_to_f32()
    {
        TestTensor half = TestTensor.Of(ElementType.F16, [1.5f, -65504, 0.1f], 3);
        TestTensor brain = TestTensor.Of(ElementType.BF16, [1.5f, 1e38f, 0.1f], 3);
        Assert.Equal(half.Floats(), Reference.Floats(Copy.Instance, new(("to", "f32")), half));
        Assert.Equal([1.5f, -65536, 0.10009765625f], Reference.Floats(Copy.Instance, new(("to", "bf16")), half));
        Assert.Equal([1.5f, Inf, 0.10009765625f], Reference.Floats(Copy.Instance, new(("to", "f16")), brain));
    }

    [Theory]
    [InlineData(ElementType.F32, 4)]
    [InlineData(ElementType.F16, 2)]
    [InlineData(ElementType.BF16, 2)]
    [InlineData(ElementType.I32, 4)]
    [InlineData(ElementType.I8, 1)]
    [InlineData(ElementType.Bool, 1)]
    public void Copy_makes_a_strided_tensor_dense_bit_for_bit(ElementType type, int size)
    {
        byte[] data = new byte[size * 24];
        new Random(5).NextBytes(data);
        TestTensor x = new TestTensor(type, [2, 3, 4], data).View([4, 2, 3], [1, 12, 4]);
        Assert.Equal(x.Dense().Data, Reference.Run(Copy.Instance, new(("to", type.Name())), x)[0].Data);
        TestTensor shifted = new TestTensor(type, [24], data).View([2, 5], [7, 1], 3);
        Assert.Equal(shifted.Dense().Data, Reference.Run(Copy.Instance, new(("to", type.Name())), shifted)[0].Data);
        TestTensor constant = new TestTensor(type, [2, 12], data).AsConstant(ranges: 2);
        Assert.Equal(data, Reference.Run(Copy.Instance, new(("to", type.Name())), constant)[0].Data);
    }

    [Theory]
    [InlineData(0, new[] { 1f, 2, 3, 4, 5, 6, 7, 8 })]
    [InlineData(1, new[] { 1f, 2, 5, 6, 3, 4, 7, 8 })]
    public void Copy_joins_operands_on_an_axis(int axis, float[] expected)
    {
        TestTensor a = TestTensor.Of([1f, 2, 3, 4], 2, 2);
        TestTensor b = TestTensor.Of([5f, 7, 6, 8], 2, 2).View([2, 2], [1, 2]);
        Assert.Equal(expected, Reference.Floats(Copy.Instance, new(("axis", (long)axis), ("to", "f32")), a, b));
    }

    [Fact]
    public void Copy_joins_three_operands_of_unequal_size_and_casts()
    {
        TestTensor[] y = Reference.Run(
            Copy.Instance, new(("axis", 1L), ("to", "f16")), TestTensor.Of([1f, 6], 2, 1),
            TestTensor.Of([2f, 3, 7, 8], 2, 2), TestTensor.Of([4f, 9], 2, 1));
        Assert.Equal(ElementType.F16, y[0].Element);
        Assert.Equal([1f, 2, 3, 4, 6, 7, 8, 9], y[0].Floats());
    }

    [Fact]
    public void Top_k_orders_by_value_then_index_with_NaN_least()
    {
        TestTensor x = TestTensor.Of([2, 5, float.NaN, 5, -Inf, -0f, 0f, float.NaN], 1, 8);
        TestTensor[] y = Reference.Run(TopK.Instance, new(("k", 8L)), x);
        Assert.Equal([1, 3, 0, 5, 6, 4, 2, 7], y[1].Ints());
        Assert.Equal([5, 5, 2, 0, 0, -Inf, float.NaN, float.NaN], y[0].Floats());
    }

    [Fact]
    public void Top_k_of_rows_with_strides()
    {
        TestTensor x = TestTensor.Of([1f, 6, 2, 5, 3, 4], 3, 2).View([2, 3], [1, 2]);
        TestTensor[] y = Reference.Run(TopK.Instance, new(("k", 2L)), x);
        Assert.Equal([3f, 2, 6, 5], y[0].Floats());
        Assert.Equal([2, 1, 0, 1], y[1].Ints());
    }
}
