using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class BinaryTests
{
    private const float Inf = float.PositiveInfinity;

    [Theory]
    [InlineData("add", new[] { 4f, -2, 0.75f })]
    [InlineData("sub", new[] { -2f, -6, 0.25f })]
    [InlineData("mul", new[] { 3f, -8, 0.125f })]
    [InlineData("div", new[] { 1f / 3, -2, 2 })]
    [InlineData("min", new[] { 1f, -4, 0.25f })]
    [InlineData("max", new[] { 3f, 2, 0.5f })]
    public void Arithmetic_of_f32(string kind, float[] expected) =>
        Assert.Equal(expected, Apply(kind, TestTensor.Of([1, -4, 0.5f], 3), TestTensor.Of([3, 2, 0.25f], 3)).Floats());

    [Fact]
    public void F32_gives_the_bits_of_the_f32_operation_for_tiny_huge_and_special_values()
    {
        float[] a = [.. Mixed(1), 0, -0f, Inf, -Inf, float.NaN];
        float[] b = [.. Mixed(4), 0, Inf, Inf, Inf, 1];
        Dictionary<string, Func<float, float, float>> operations = new()
        {
            ["add"] = (x, y) => x + y, ["sub"] = (x, y) => x - y, ["mul"] = (x, y) => x * y, ["div"] = (x, y) => x / y,
        };
        foreach ((string kind, Func<float, float, float> apply) in operations)
        {
            float[] y = Apply(kind, TestTensor.Of(a, a.Length), TestTensor.Of(b, b.Length)).Floats();
            Assert.Equal(a.Zip(b, apply), y);
        }
    }

    [Theory]
    [InlineData("add", new[] { int.MinValue, 5, -4 })]
    [InlineData("sub", new[] { int.MaxValue - 1, -1, -10 })]
    [InlineData("mul", new[] { int.MaxValue, 6, -21 })]
    [InlineData("min", new[] { 1, 2, -7 })]
    [InlineData("max", new[] { int.MaxValue, 3, 3 })]
    public void Arithmetic_of_i32_wraps_around(string kind, int[] expected) =>
        Assert.Equal(
            expected,
            Apply(kind, TestTensor.Of([int.MaxValue, 2, -7], 3), TestTensor.Of([1, 3, 3], 3)).Ints());

    [Theory]
    [InlineData("eq", new[] { false, true, false, false })]
    [InlineData("lt", new[] { true, false, false, false })]
    [InlineData("le", new[] { true, true, false, false })]
    public void Comparisons_give_bool_and_are_false_for_NaN(string kind, bool[] expected) =>
        Assert.Equal(
            expected,
            Apply(kind, TestTensor.Of([1, 2, 3, float.NaN], 4), TestTensor.Of([2f, 2, 2, 2], 4)).Bools());

    [Fact]
    public void Comparison_of_i32_with_an_immediate() =>
        Assert.Equal(
            [true, false, false],
            Reference.Run(Binary.Instance, new(("kind", "lt"), ("rhs", 5.0)), TestTensor.Of([4, 5, 6], 3))[0].Bools());

    [Fact]
    public void And_and_masked_fill()
    {
        TestTensor mask = TestTensor.Of([true, true, false, false], 4);
        Assert.Equal(
            [true, false, false, false], Apply("and", mask, TestTensor.Of([true, false, true, false], 4)).Bools());
        Assert.Equal(
            [1, float.NaN, -Inf, -Inf], Apply("masked_fill", TestTensor.Of([1, float.NaN, 3, Inf], 4), mask).Floats());
    }

    [Fact]
    public void Immediates_stand_left_or_right_and_are_rounded_to_f32()
    {
        TestTensor x = TestTensor.Of([2f, 4], 2);
        Assert.Equal([1f - 2, 1 - 4], Reference.Floats(Binary.Instance, new(("kind", "sub"), ("lhs", 1.0)), x));
        Assert.Equal([2f - 1, 4 - 1], Reference.Floats(Binary.Instance, new(("kind", "sub"), ("rhs", 1.0)), x));
        TestTensor rounded = TestTensor.Of([0.1f, 0.2f], 2);
        Assert.Equal([true, false], Reference.Run(Binary.Instance, new(("kind", "eq"), ("rhs", 0.1)), rounded)[0].Bools());
    }

    [Fact]
    public void Operands_broadcast_from_the_right()
    {
        float[] column = [10, 20];
        float[] y = Apply("add", TestTensor.Of(column, 2, 1), TestTensor.Of([1f, 2, 3], 3)).Floats();
        Assert.Equal([11f, 12, 13, 21, 22, 23], y);
        y = Apply("add", TestTensor.Of([1f], 1, 1), TestTensor.Of([1f, 2, 3, 4], 2, 1, 2).AsConstant(2)).Floats();
        Assert.Equal([2f, 3, 4, 5], y);
        y = Apply("add", TestTensor.Of([1f, 2], 2), TestTensor.Of([5f, 7], 2, 1).AsConstant(2)).Floats();
        Assert.Equal([6f, 7, 8, 9], y);
    }

    [Fact]
    public void Scalars_of_rank_0_broadcast() =>
        Assert.Equal([3f, 4], Apply("add", TestTensor.Of([2f]), TestTensor.Of([1f, 2], 2)).Floats());

    [Fact]
    public void Strided_operands_are_walked_by_their_strides()
    {
        TestTensor a = TestTensor.Of(Reference.Random(1, 30), 5, 6).View([3, 2], [1, 12], 1);
        TestTensor b = TestTensor.Of(Reference.Random(2, 4), 4).View([3, 2], [0, 2], 1);
        float[] expected = [.. a.Dense().Floats().Zip(b.Dense().Floats(), (x, y) => x * y)];
        Assert.Equal(expected, Apply("mul", a, b).Floats());
    }

    private static TestTensor Apply(string kind, TestTensor a, TestTensor b) =>
        Reference.Run(Binary.Instance, new(("kind", kind)), a, b)[0];

    /// <summary>Values around 1, near the largest, and subnormal ones.</summary>
    private static float[] Mixed(int seed) =>
        [.. Reference.Random(seed, 100), .. Reference.Random(seed + 1, 50, 1e38), .. Reference.Random(seed + 2, 50, 1e-38)];
}
