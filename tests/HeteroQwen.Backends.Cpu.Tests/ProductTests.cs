using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class ProductTests
{
    private const double Tolerance = 2e-6;

    private static readonly Attributes s_f32 = new(("accumulate", "f32"));

    public static TheoryData<ElementType, int, int, int> Sizes()
    {
        TheoryData<ElementType, int, int, int> data = [];
        foreach (ElementType type in (ElementType[])[ElementType.F32, ElementType.F16, ElementType.BF16])
        {
            foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 1, 1), (3, 17, 5), (2, 33, 257), (17, 257, 33), (1, 1024, 7)])
            {
                data.Add(type, m, k, n);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Linear_with_constant_weights_at_odd_addresses_matches_the_reference(ElementType type, int m, int k, int n)
    {
        TestTensor x = Data.Floats(1, m, k);
        TestTensor weight = Data.Floats(2, type, 0.3f, n, k);
        Against.Bounded(Linear.Instance, [x, weight.AsConstant()], Tolerance);
        Against.Bounded(Linear.Instance, [x, weight.AsConstant(ranges: n), Data.Floats(3, type, 1, n).AsConstant()], Tolerance);
    }

    [Fact]
    public void Linear_with_weights_and_bias_that_are_inputs_matches_the_reference()
    {
        TestTensor x = Data.Floats(1, 6, 40);
        TestTensor[] operands = [x, Data.Floats(2, ElementType.BF16, 1, 9, 40), Data.Floats(3, ElementType.F16, 1, 9)];
        Against.Bounded(Linear.Instance, operands, Tolerance);
        Against.Strided(Linear.Instance, operands, i => i == 0, Tolerance);
    }

    [Fact]
    public void Linear_of_symbolic_rows_runs_for_bindings_below_the_maxima()
    {
        TestTensor x = Data.Floats(1, 5, 24);
        TestTensor[] operands = [x with { Dims = [Dim.T, 24] }, Data.Floats(2, 11, 24).AsConstant()];
        Against.Bounded(Linear.Instance, operands, Tolerance, bindings: new(T: 5, N: 1, B: 1, R: 1));
    }

    [Fact]
    public void Linear_of_activations_of_1e5_stays_within_the_bound()
    {
        TestTensor x = Data.Floats(1, ElementType.F32, 1.2e5f, 3, 300);
        Against.Bounded(Linear.Instance, [x, Data.Floats(2, 20, 300).AsConstant()], Tolerance);
    }

    [Fact]
    public void Linear_gives_a_row_the_same_bits_in_any_batch()
    {
        TestTensor all = Data.Floats(1, 7, 130);
        TestTensor weight = Data.Floats(2, ElementType.BF16, 1, 21, 130).AsConstant();
        byte[] together = Against.Cpu(Linear.Instance, [all, weight])[0].Data;
        for (int row = 0; row < 7; row++)
        {
            TestTensor alone = TestTensor.Of(all.Floats()[(row * 130)..((row + 1) * 130)], 1, 130);
            Assert.Equal(together[(row * 84)..((row + 1) * 84)], Against.Cpu(Linear.Instance, [alone, weight])[0].Data);
        }
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Linear_gives_the_same_bits_wherever_its_weights_lie(ElementType type)
    {
        TestTensor x = Data.Floats(1, 3, 77);
        TestTensor weight = Data.Floats(2, type, 1, 13, 77);
        byte[] aligned = Against.Cpu(Linear.Instance, [x, weight])[0].Data;
        Assert.Equal(aligned, Against.Cpu(Linear.Instance, [x, weight.AsConstant()])[0].Data);
        Assert.Equal(aligned, Against.Cpu(Linear.Instance, [x.WithGaps(), weight.AsConstant(ranges: 13)])[0].Data);
    }

    [Theory]
    [InlineData(ElementType.F32, ElementType.F32)]
    [InlineData(ElementType.F16, ElementType.F32)]
    [InlineData(ElementType.BF16, ElementType.F16)]
    public void MatMul_batched_and_grouped_matches_the_reference_in_any_layout(ElementType a, ElementType b)
    {
        TestTensor[] grouped = [Data.Floats(1, a, 1, 2, 6, 5, 19), Data.Floats(2, b, 1, 1, 3, 10, 19)];
        Against.Bounded(MatMul.Instance, grouped, Tolerance, s_f32);
        Against.Strided(MatMul.Instance, grouped, _ => true, Tolerance, s_f32);
        Against.Bounded(MatMul.Instance, [grouped[0], grouped[1].AsConstant(ranges: 1)], Tolerance, s_f32);
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.BF16)]
    public void MatMul_indexed_matches_the_reference_with_experts_in_one_range_or_several(ElementType type)
    {
        TestTensor index = Data.Ints(3, 6, 7, 2);
        TestTensor b = Data.Floats(2, type, 1, 6, 9, 33);
        foreach (TestTensor a in (TestTensor[])[Data.Floats(1, 7, 33), Data.Floats(4, 7, 2, 33)])
        {
            Against.Bounded(MatMul.Instance, [a, b.AsConstant(), index], Tolerance, s_f32);
            Against.Bounded(MatMul.Instance, [a, b.AsConstant(ranges: 6), index], Tolerance, s_f32);
            Against.Strided(MatMul.Instance, [a, b, index], i => i < 2, Tolerance, s_f32);
        }
    }
}
