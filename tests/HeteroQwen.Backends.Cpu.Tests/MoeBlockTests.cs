using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary><c>moe_block</c>, and <c>moe_ffn</c> with packed weights.</summary>
public sealed class MoeBlockTests
{
    private const int Experts = 7;
    private const int Chosen = 3;

    private static readonly Attributes s_attributes = new(("eps", 1e-6), ("k", (long)Chosen), ("renormalise", 1L));

    public static TheoryData<ElementType, int, int, int> Sizes()
    {
        TheoryData<ElementType, int, int, int> data = [];
        foreach (ElementType type in Data.WeightTypes)
        {
            int unit = type.IsQuantized() ? type.BlockElements() : 37;
            foreach ((int rows, int k, int f) in ((int, int, int)[])[(1, 1, 2), (2, 2, 1), (40, 1, 1)])
            {
                data.Add(type, rows, k * unit, f * unit);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Block_is_its_opened_form_within_the_roundings(ElementType type, int rows, int k, int f) =>
        Against.Packed(MoeBlock.Instance, Operands(rows, k, f, type, type.IsQuantized() ? ElementType.Q8_0 : type), Data.PackedNmse(type), s_attributes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Block_has_the_bits_of_its_opened_form(ElementType type, int rows, int k, int f) =>
        Against.Opened(MoeBlock.Instance, Operands(rows, k, f, type, ElementType.F32), s_attributes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Moe_ffn_is_its_formula_within_the_roundings(ElementType type, int rows, int k, int f) =>
        Against.Packed(MoeFfn.Instance, MoeFfnOperands(rows, k, f, type), Data.PackedNmse(type), Attributes.Empty);

    [Fact]
    public void Block_gives_a_row_the_same_bits_in_any_batch()
    {
        foreach (ElementType type in Data.WeightTypes)
        {
            TestTensor[] all = Operands(13, 256, 256, type, ElementType.F32);
            byte[] together = Against.Fast(MoeBlock.Instance, all, s_attributes)[0].Data;
            foreach ((int first, int count) in ((int, int)[])[(0, 1), (3, 1), (1, 2), (5, 8)])
            {
                TestTensor some = TestTensor.Of(all[0].Floats()[(first * 256)..((first + count) * 256)], count, 256);
                Assert.Equal(together[(first * 1024)..((first + count) * 1024)], Against.Fast(MoeBlock.Instance, [some, .. all[1..]], s_attributes)[0].Data);
            }
        }
    }

    [Fact]
    public void Experts_in_ranges_of_their_own_give_the_same_bits()
    {
        TestTensor[] whole = Operands(5, 64, 96, ElementType.Q8_0, ElementType.BF16);
        TestTensor[] apart = [.. whole.Select((o, i) => i >= 3 ? o with { Ranges = Experts } : o)];
        Assert.Equal(
            Against.Fast(MoeBlock.Instance, whole, s_attributes)[0].Data, Against.Fast(MoeBlock.Instance, apart, s_attributes)[0].Data);
    }

    [Fact]
    public void Moe_ffn_takes_rows_in_any_layout_and_refuses_an_expert_that_is_not_there()
    {
        TestTensor[] dense = MoeFfnOperands(6, 64, 32, ElementType.Q8_0);
        byte[] expected = Against.Fast(MoeFfn.Instance, dense, Attributes.Empty)[0].Data;
        Assert.Equal(expected, Against.Fast(MoeFfn.Instance, [dense[0].WithGaps(), .. dense[1..]], Attributes.Empty)[0].Data);

        TestTensor[] wrong = [.. dense];
        wrong[2] = TestTensor.Of([.. dense[2].Ints()[..^1], Experts], 6, Chosen);
        StatusException e = Assert.Throws<StatusException>(() => Against.Fast(MoeFfn.Instance, wrong, Attributes.Empty));
        Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
        Assert.Contains("index 7 at 17", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Tokens whose logits are apart: expert e's is element e.</summary>
    private static TestTensor[] Operands(int rows, int k, int f, ElementType type, ElementType routerType)
    {
        float[] x = Data.Floats(1, rows, k).Floats();
        float[] router = new float[Experts * k];
        for (int e = 0; e < Experts; e++)
        {
            router[(e * k) + e] = 1;
            for (int t = 0; t < rows; t++)
            {
                x[(t * k) + e] = (((e * 3) + (t * 5)) % Experts) - 3;
            }
        }

        return
        [
            TestTensor.Of(x, rows, k), TestTensor.Of([.. Enumerable.Repeat(1f, k)], k).AsConstant(),
            TestTensor.Of(routerType, router, Experts, k).AsConstant(), .. Weights(k, f, type),
        ];
    }

    private static TestTensor[] MoeFfnOperands(int rows, int k, int f, ElementType type)
    {
        int[] index = [.. Enumerable.Range(0, rows).SelectMany(t => Enumerable.Range(0, Chosen).Select(j => ((t * 5) + (j * 2)) % Experts))];
        return [Data.Floats(1, rows, k), Data.Floats(2, rows, Chosen), TestTensor.Of(index, rows, Chosen), .. Weights(k, f, type)];
    }

    private static TestTensor[] Weights(int k, int f, ElementType type) =>
        [Data.Weight(3, type, Experts, f, k), Data.Weight(4, type, Experts, f, k), Data.Weight(5, type, Experts, k, f)];
}
