using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>Every op that reads or writes block-quantised tensors.</summary>
public sealed class QuantisedTests
{
    private const double Tolerance = 2e-6;

    private static readonly Attributes s_f32 = new(("accumulate", "f32"));

    public static TheoryData<ElementType> Types => [.. ElementTypes.All.Where(t => t.IsQuantized())];

    [Theory]
    [MemberData(nameof(Types))]
    public unsafe void Widening_gives_the_bits_of_the_definition_for_any_bytes_at_any_address(ElementType type)
    {
        const int Blocks = 700;
        byte[] bytes = new byte[1 + (Blocks * type.BlockBytes())];
        float[] expected = new float[Blocks * type.BlockElements()];
        float[] found = new float[expected.Length + 1];
        new Random(5).NextBytes(bytes);
        BlockFormats.Dequantize(type, bytes.AsSpan(1), expected);
        found[^1] = 7;
        fixed (byte* from = bytes)
        fixed (float* to = found)
        {
            BlockWidening.Into(type, from + 1, expected.Length, to);
        }

        Assert.Contains(expected, v => !float.IsFinite(v));
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(found[i])
                || (float.IsNaN(expected[i]) && float.IsNaN(found[i]));
            Assert.True(same, $"element {i} is {found[i]:R} and should be {expected[i]:R}");
        }

        Assert.Equal(7, found[^1]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_matches_the_reference(ElementType type)
    {
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 256, 1), (3, 512, 7), (9, 768, 33)])
        {
            TestTensor x = Data.Floats(1, m, k);
            TestTensor weight = TestTensor.OfBlocks(type, 2, 0.3f, n, k);
            Against.Bounded(Linear.Instance, [x, weight.AsConstant()], Tolerance);
            Against.Bounded(Linear.Instance, [x, weight.AsConstant(ranges: n), Data.Floats(3, n).AsConstant()], Tolerance);
            Against.Bounded(Linear.Instance, [x, weight], Tolerance);
        }
    }

    [Theory]
    [InlineData(ElementType.Q8_0, 32)]
    [InlineData(ElementType.Q4_0, 96)]
    public void Linear_of_rows_of_few_blocks_of_32_matches_the_reference(ElementType type, int k) => Against.Bounded(
        Linear.Instance, [Data.Floats(1, 2, k), TestTensor.OfBlocks(type, 2, 1, 5, k).AsConstant()], Tolerance);

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_gives_a_row_the_same_bits_in_any_batch(ElementType type)
    {
        TestTensor all = Data.Floats(1, 5, 512);
        TestTensor weight = TestTensor.OfBlocks(type, 2, 1, 9, 512).AsConstant();
        float[] together = Against.Cpu(Linear.Instance, [all, weight])[0].Floats();
        for (int row = 0; row < 5; row++)
        {
            TestTensor alone = TestTensor.Of(all.Floats()[(row * 512)..((row + 1) * 512)], 1, 512);
            Assert.Equal(together[(row * 9)..((row + 1) * 9)], Against.Cpu(Linear.Instance, [alone, weight])[0].Floats());
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void MatMul_grouped_and_indexed_match_the_reference(ElementType type)
    {
        TestTensor b = TestTensor.OfBlocks(type, 2, 1, 3, 10, 256);
        Against.Bounded(MatMul.Instance, [Data.Floats(1, 6, 5, 256), b.AsConstant(ranges: 3)], Tolerance, s_f32);
        Against.Bounded(MatMul.Instance, [Data.Floats(1, 7, 256), b.AsConstant(ranges: 3), Data.Ints(3, 3, 7, 2)], Tolerance, s_f32);
        Against.Bounded(MatMul.Instance, [Data.Floats(4, 7, 2, 256), b.AsConstant(), Data.Ints(3, 3, 7, 2)], Tolerance, s_f32);
    }

    [Theory]
    [InlineData(ElementType.Q8_0, ElementType.Q8_0, 1)]
    [InlineData(ElementType.Q4_0, ElementType.Q4_0, 3)]
    [InlineData(ElementType.Q4_K, ElementType.Q6_K, 3)]
    [InlineData(ElementType.Q6_K, ElementType.F16, 1)]
    public void MoeFfn_matches_the_reference_with_experts_of_two_types(ElementType type, ElementType down, int ranges)
    {
        TestTensor[] routed = [Data.Floats(1, 5, 512), Data.Floats(2, 5, 2), Data.Ints(3, 3, 5, 2)];
        TestTensor last = down.IsQuantized() ? TestTensor.OfBlocks(down, 6, 0.1f, 3, 512, 256) : Data.Floats(6, down, 0.1f, 3, 512, 256);
        TestTensor[] experts = [TestTensor.OfBlocks(type, 4, 0.1f, 3, 256, 512), TestTensor.OfBlocks(type, 5, 0.1f, 3, 256, 512), last];
        Against.Bounded(MoeFfn.Instance, [.. routed, .. experts.Select(e => e.AsConstant(ranges))], 4e-6);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_are_gathered_and_copied_exactly(ElementType type)
    {
        TestTensor table = TestTensor.OfBlocks(type, 1, 1, 12, 3, 256);
        Against.Exact(GatherRows.Instance, [table.AsConstant(ranges: 4), Data.Ints(2, 12, 5, 2)]);
        Against.Exact(GatherRows.Instance, [table, Data.Ints(2, 12, 1)]);
        foreach (string to in (string[])["f32", "f16", "bf16"])
        {
            Against.Exact(Copy.Instance, [table.AsConstant(ranges: 6)], new(("to", to)));
        }

        TestTensor[] joined = [table, TestTensor.OfBlocks(type, 2, 1, 12, 3, 512)];
        Against.Exact(Copy.Instance, joined, new(("to", "f32"), ("axis", 2L)));
        Against.Exact(Copy.Instance, [TestTensor.OfBlocks(type, 3, 1, 2, 8192 + 256)], new(("to", "f32")));
    }

    [Fact]
    public void Scatter_quantises_to_the_same_bytes_as_the_reference()
    {
        TestTensor state = TestTensor.OfBlocks(ElementType.Q8_0, 1, 1, 12, 3, 160).AsState();
        Against.Exact(ScatterRows.Instance, [state, TestTensor.Of([11, 0, 5], 3), Data.Floats(3, 3, 3, 160)]);
        Against.Exact(ScatterRows.Instance, [state, TestTensor.Of([4], 1), Data.Floats(3, ElementType.F32, 1e-6f, 1, 3, 160)]);
    }
}
