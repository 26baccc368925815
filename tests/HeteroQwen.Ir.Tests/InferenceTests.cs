namespace HeteroQwen.Ir.Tests;

public sealed class InferenceTests
{
    public static TheoryData<int> Valid => [.. Enumerable.Range(0, Uses.Valid.Length)];

    [Theory]
    [MemberData(nameof(Valid))]
    public void Infer_of_a_valid_use_gives_the_documented_types(int index)
    {
        (OpUse use, string results) = Uses.Valid[index];

        Assert.Equal(results, string.Join("; ", use.Infer()));
    }

    [Fact]
    public void Every_op_has_a_valid_use() =>
        Assert.Empty(OpCatalog.All.Select(op => op.Name).Except(Uses.Valid.Select(v => v.Use.Op)));

    [Fact]
    public void SameElements_of_products_beyond_128_bits_compares_exactly()
    {
        Dim huge = long.MaxValue;

        Assert.True(new Shape(huge, huge, huge, 2, Dim.T).SameElements(new Shape(Dim.T, 2, huge, huge, huge)));
        Assert.False(new Shape(huge, huge, huge, 2).SameElements(new Shape(huge, huge, huge, 3)));
    }

    [Fact]
    public void Attributes_with_zeros_of_both_signs_are_not_equal() =>
        Assert.NotEqual(new Attributes(("rhs", 0.0)), new Attributes(("rhs", -0.0)));

    [Fact]
    public void Emit_of_a_name_whose_numbers_are_taken_finds_the_next_free_one()
    {
        GraphBuilder builder = new("names");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T));
        for (int i = 2; i < 50_000; i++)
        {
            builder.Input($"v.{i}", x.Type);
        }

        builder.Silu(x);

        Assert.Equal("v.50000", builder.Silu(x).Name);
    }
}
