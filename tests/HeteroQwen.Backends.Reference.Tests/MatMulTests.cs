using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class MatMulTests
{
    private static readonly Attributes s_f32 = new(("accumulate", "f32"));

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 5, 33)]
    [InlineData(3, 2, 257)]
    [InlineData(130, 3, 40)]
    public void Plain_product_is_the_sum_over_k_rounded_once(int m, int n, int k)
    {
        float[] a = Reference.Random(1, m * k);
        float[] b = Reference.Random(2, n * k);
        float[] y = Reference.Floats(MatMul.Instance, s_f32, TestTensor.Of(a, m, k), TestTensor.Of(b, n, k).AsConstant());
        Reference.AssertRounded(Product(a, b, m, n, k), y);
    }

    [Fact]
    public void Small_integers_are_exact()
    {
        float[] y = Reference.Floats(
            MatMul.Instance, s_f32, TestTensor.Of([1f, 2, 3, 4], 2, 2),
            TestTensor.Of(ElementType.BF16, [5, 6, 7, 8, 9, 10], 3, 2).AsConstant());
        Assert.Equal([17f, 23, 29, 39, 53, 67], y);
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Weights_of_each_float_type_count_as_they_are_stored(ElementType type)
    {
        float[] a = Reference.Random(3, 2 * 33);
        TestTensor b = TestTensor.Of(type, Reference.Random(4, 5 * 33), 5, 33);
        float[] y = Reference.Floats(Linear.Instance, Attributes.Empty, TestTensor.Of(a, 2, 33), b.AsConstant(ranges: 5));
        Reference.AssertRounded(Product(a, b.Floats(), 2, 5, 33), y);
    }

    [Fact]
    public void Activations_of_16_bits_count_as_they_are_stored()
    {
        TestTensor a = TestTensor.Of(ElementType.F16, Reference.Random(3, 2 * 33), 2, 33);
        TestTensor b = TestTensor.Of(ElementType.BF16, Reference.Random(4, 5 * 33), 5, 33);
        Reference.AssertRounded(Product(a.Floats(), b.Floats(), 2, 5, 33), Reference.Floats(MatMul.Instance, s_f32, a, b));
    }

    [Fact]
    public void Linear_adds_the_bias_before_rounding()
    {
        // 1 + 2^-24 rounds to 1; with the bias of 2^-24 the sum rounds up to 1 + 2^-23.
        float tiny = MathF.ScaleB(1, -24);
        float[] y = Reference.Floats(
            Linear.Instance, Attributes.Empty, TestTensor.Of([1, tiny], 1, 2), TestTensor.Of([1f, 1], 1, 2).AsConstant(),
            TestTensor.Of([tiny], 1).AsConstant());
        Assert.Equal([1 + MathF.ScaleB(1, -23)], y);
    }

    [Fact]
    public void Linear_takes_a_bias_in_several_ranges_and_types()
    {
        float[] y = Reference.Floats(
            Linear.Instance, Attributes.Empty, TestTensor.Of([1f, 2], 1, 2), TestTensor.Of([1f, 0, 0, 1, 1, 1], 3, 2).AsConstant(),
            TestTensor.Of(ElementType.F16, [10, 20, 30], 3).AsConstant(ranges: 3));
        Assert.Equal([11f, 22, 33], y);
    }

    [Fact]
    public void Grouped_product_meets_entry_i_with_entry_i_over_g()
    {
        // Four query heads, two of B: heads 0, 1 meet 0 and heads 2, 3 meet 1.
        float[] a = [1, 2, 3, 4, 5, 6, 7, 8];
        float[] b = [1, 10, 100, 1000];
        float[] y = Reference.Floats(MatMul.Instance, s_f32, TestTensor.Of(a, 4, 1, 2), TestTensor.Of(b, 2, 1, 2));
        Assert.Equal([21f, 43, 6500, 8700], y);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Indexed_product_takes_the_named_matrix(bool perChoice)
    {
        const int Tokens = 3, Choices = 2, Experts = 4, N = 5, K = 9;
        float[] a = Reference.Random(5, perChoice ? Tokens * Choices * K : Tokens * K);
        float[] b = Reference.Random(6, Experts * N * K);
        int[] index = [3, 0, 1, 1, 2, 3];
        TestTensor rows = perChoice ? TestTensor.Of(a, Dim.T, Choices, K) : TestTensor.Of(a, Dim.T, K);
        TestTensor[] y = Reference.Run(
            MatMul.Instance, s_f32, new Bindings(Tokens, 0, 0, 0), rows, TestTensor.Of(b, Experts, N, K).AsConstant(ranges: 2),
            TestTensor.Of(index, Dim.T, Choices));
        var expected = index.SelectMany((expert, i) => Product(
            a.AsSpan((perChoice ? i : i / Choices) * K, K), b.AsSpan(expert * N * K, N * K), 1, N, K));
        Reference.AssertRounded([.. expected], y[0].Floats());
    }

    [Fact]
    public void Strided_operands_are_walked_by_their_strides()
    {
        // A [2, 3, 4] seen as [3, 2, 4] and B [2, 4, 5] seen as [1, 5, 4] from its second matrix on.
        float[] a = Reference.Random(7, 24);
        float[] b = Reference.Random(8, 40);
        TestTensor left = TestTensor.Of(a, 2, 3, 4).View([3, 2, 4], [4, 12, 1]);
        TestTensor right = TestTensor.Of(b, 2, 4, 5).View([1, 5, 4], [20, 1, 5], 20);
        float[] strided = Reference.Floats(MatMul.Instance, s_f32, left, right);
        Assert.Equal(Reference.Floats(MatMul.Instance, s_f32, left.Dense(), right.Dense()), strided);
        Reference.AssertRounded([.. Product(left.Dense().Floats(), right.Dense().Floats(), 6, 5, 4)], strided);
    }

    [Fact]
    public void Rows_alone_give_the_bits_of_rows_together()
    {
        const int M = 70, N = 6, K = 257;
        float[] a = Reference.Random(9, M * K);
        TestTensor b = TestTensor.Of(ElementType.BF16, Reference.Random(10, N * K), N, K).AsConstant();
        float[] together = Reference.Floats(Linear.Instance, Attributes.Empty, TestTensor.Of(a, M, K), b);
        for (int row = 0; row < M; row++)
        {
            float[] alone = Reference.Floats(Linear.Instance, Attributes.Empty, TestTensor.Of(a[(row * K)..((row + 1) * K)], 1, K), b);
            Assert.Equal(together[(row * N)..((row + 1) * N)], alone);
        }
    }

    private static double[] Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int m, int n, int k)
    {
        double[] y = new double[m * n];
        for (int i = 0; i < y.Length; i++)
        {
            for (int j = 0; j < k; j++)
            {
                y[i] += (double)a[(i / n * k) + j] * b[(i % n * k) + j];
            }
        }

        return y;
    }
}
