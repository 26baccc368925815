using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class PrimitiveTests
{
    private const double FewUlp = 4e-7;

    public static TheoryData<string> Kinds => ["add", "sub", "mul", "min", "max", "eq", "lt", "le"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Binary_of_f32_and_i32_is_exact_with_broadcasting_immediates_and_strides(string kind)
    {
        Attributes attributes = new(("kind", kind));
        TestTensor[] floats = [Data.Floats(1, 3, 1, 37), Data.Floats(2, 4, 37)];
        TestTensor[] ints = [Data.Ints(1, 5, 3, 4, 17), Data.Ints(2, 5, 1, 1)];
        foreach (TestTensor[] pair in (TestTensor[][])[floats, ints, [.. floats.Reverse()], [ints[0], ints[0]]])
        {
            Against.Exact(Binary.Instance, pair, attributes);
            Against.Strided(Binary.Instance, pair, _ => true, 0, attributes);
            Against.Exact(Binary.Instance, [pair[0]], new(("kind", kind), ("lhs", 2.0)));
            Against.Exact(Binary.Instance, [pair[0]], new(("kind", kind), ("rhs", 3.0)));
        }
    }

    [Fact]
    public void Binary_div_and_masked_fill_are_exact_for_all_kinds_of_values()
    {
        TestTensor values = TestTensor.Of([1, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e-45f, 3e38f, 7, 9], 3, 3);
        Against.Exact(Binary.Instance, [values, Data.Floats(2, 3)], new(("kind", "div")));
        Against.Exact(Binary.Instance, [values, values], new(("kind", "max")));
        Against.Exact(Binary.Instance, [values, Data.Bools(3, 5, 1, 3)], new(("kind", "masked_fill")));
        Against.Exact(Binary.Instance, [Data.Bools(3, 5, 1, 3), Data.Bools(4, 7, 3)], new(("kind", "and")));
    }

    [Fact]
    public void Binary_of_many_elements_is_cut_into_blocks_without_a_trace()
    {
        TestTensor x = Data.Floats(1, 3, 9001);
        Against.Exact(Binary.Instance, [x, Data.Floats(2, 3, 9001)], new(("kind", "add")));
        Against.Exact(Binary.Instance, [x, Data.Floats(2, 9001)], new(("kind", "mul")));
    }

    [Theory]
    [InlineData("neg")]
    [InlineData("exp")]
    [InlineData("rsqrt")]
    [InlineData("reciprocal")]
    public void Unary_is_within_a_few_ulp_at_every_magnitude(string kind)
    {
        Attributes attributes = new(("kind", kind));
        float[] magnitudes = [0, 1e-45f, 1e-38f, 1e-10f, 0.3f, 1, 20, 87, 88.8f, 100, 1e10f, 3e38f, float.PositiveInfinity];
        foreach (float x in kind == "rsqrt" ? magnitudes : magnitudes.SelectMany(m => (float[])[m, -m]))
        {
            // One by one, so that the rms that the tolerance is scaled by is the value itself.
            Against.Bounded(Unary.Instance, [TestTensor.Of([x], 1)], FewUlp, attributes);
        }

        TestTensor values = TestTensor.Of([.. Data.Floats(1, 5, 67).Floats().Select(MathF.Abs)], 5, 67);
        Against.Bounded(Unary.Instance, [values], FewUlp, attributes);
        Against.Strided(Unary.Instance, [values], _ => true, FewUlp, attributes);
    }

    [Theory]
    [InlineData("sum")]
    [InlineData("max")]
    public void Reduce_over_each_axis_matches_the_reference(string kind)
    {
        TestTensor x = Data.Floats(1, 3, 17, 33);
        for (long axis = 0; axis < 3; axis++)
        {
            Attributes attributes = new(("kind", kind), ("axis", axis));
            Against.Bounded(Reduce.Instance, [x], 1e-6, attributes);
            Against.Strided(Reduce.Instance, [x], _ => true, 1e-6, attributes);
        }
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Rows_are_gathered_and_scattered_exactly(ElementType type)
    {
        TestTensor table = Data.Floats(1, type, 10, 12, 3, 7);
        Against.Exact(GatherRows.Instance, [table.AsConstant(ranges: 4), Data.Ints(2, 12, 5, 2)]);
        Against.Exact(GatherRows.Instance, [table, Data.Ints(2, 12, 1)]);
        Against.Exact(ScatterRows.Instance, [table.AsState(), TestTensor.Of([11, 0, 5], 3), Data.Floats(3, 3, 3, 7)]);
        TestTensor wide = Data.Floats(1, type, 70000, 3, 5, 129);
        Against.Exact(ScatterRows.Instance, [wide.AsState(), TestTensor.Of([2], 1), Data.Floats(3, ElementType.F32, 70000, 1, 5, 129)]);
    }

    [Fact]
    public void Scatter_lets_the_last_of_equal_indices_win_for_any_number_of_threads()
    {
        TestTensor rows = Data.Floats(3, 4, 700);
        TestTensor state = Against.Cpu(ScatterRows.Instance, [Data.Floats(1, 3, 700).AsState(), TestTensor.Of([1, 1, 2, 1], 4), rows])[0];
        Assert.Equal(rows.Floats()[2100..], state.Floats()[700..1400]);
    }

    [Fact]
    public void Copy_casts_between_all_float_types_to_nearest_even_with_overflow_to_infinity()
    {
        float[] values = [0, -0f, 1, 1.00390625f, 1.01171875f, 65504, 65520, 7e4f, 1e-7f, 6e-8f, 3.3895e38f, 3.4e38f, 1e-45f,
            float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1.0004883f, 1.0014648f];
        ElementType[] types = [ElementType.F32, ElementType.F16, ElementType.BF16];
        foreach ((ElementType from, ElementType to) in types.SelectMany(f => types.Select(t => (f, t))))
        {
            TestTensor x = TestTensor.Of(from, [.. values, .. values], 2, 18);
            Attributes attributes = new(("to", to.Name()));
            Against.Exact(Copy.Instance, [x], attributes);
            Against.Strided(Copy.Instance, [x], _ => true, 0, attributes);
        }
    }

    [Fact]
    public void Copy_joins_on_each_axis_and_takes_any_layout()
    {
        TestTensor x = Data.Ints(1, 99, 3, 4, 5);
        for (long axis = 0; axis < 3; axis++)
        {
            Attributes attributes = new(("to", "i32"), ("axis", axis));
            long[] dims = [3, 4, 5];
            dims[axis] = 1;
            TestTensor[] operands = [x, Data.Ints(2, 99, dims), x];
            Against.Exact(Copy.Instance, operands, attributes);
            Against.Strided(Copy.Instance, operands, _ => true, 0, attributes);
        }

        TestTensor halves = Data.Floats(4, ElementType.F16, 1, 5, 3);
        Against.Strided(Copy.Instance, [halves], _ => true, 0, new(("to", "f16")));
        Against.Exact(Copy.Instance, [Data.Floats(4, 5, 1), Data.Floats(5, 5, 2)], new(("to", "f32"), ("axis", 1L)));
        Against.Strided(Copy.Instance, [Data.Bools(1, 4, 9)], _ => true, 0, new(("to", "bool")));
    }

    [Fact]
    public void TopK_takes_ties_by_index_and_NaN_last()
    {
        TestTensor x = TestTensor.Of(
            [1, 3, 3, float.NaN, -1, float.NegativeInfinity, 0, -0f, 3, 2, float.NaN, float.NaN, float.NaN, 5], 2, 7);
        foreach (long k in (long[])[1, 3, 7])
        {
            Against.Exact(TopK.Instance, [x], new(("k", k)));
            Against.Strided(TopK.Instance, [Data.Ints(1, 9, 5, 33).AsFloats()], _ => true, 0, new(("k", k)));
        }
    }
}
