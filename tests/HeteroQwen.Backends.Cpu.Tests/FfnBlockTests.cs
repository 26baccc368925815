using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class FfnBlockTests
{
    private static readonly Attributes s_eps = new(("eps", 1e-6));

    public static TheoryData<ElementType, int, int, int> Sizes()
    {
        TheoryData<ElementType, int, int, int> data = [];
        foreach (ElementType type in Data.WeightTypes)
        {
            int unit = type.IsQuantized() ? type.BlockElements() : 1;
            foreach ((int rows, int k, int f) in ((int, int, int)[])[(1, 1, 2), (2, 2, 1), (7, 1, 3), (40, 2, 2)])
            {
                data.Add(type, rows, k * unit * (unit == 1 ? 37 : 1), f * unit * (unit == 1 ? 23 : 1));
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Block_is_its_opened_form_within_the_roundings(ElementType type, int rows, int k, int f) =>
        Against.Packed(FfnBlock.Instance, Operands(rows, k, f, type, type, type), Data.PackedNmse(type), s_eps);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Block_has_the_bits_of_its_opened_form(ElementType type, int rows, int k, int f) =>
        Against.Opened(FfnBlock.Instance, Operands(rows, k, f, type, type, type), s_eps);

    [Fact]
    public void Block_takes_weights_of_different_types() => Against.Packed(
        FfnBlock.Instance, Operands(5, 256, 512, ElementType.BF16, ElementType.Q4_K, ElementType.F16), Data.PackedNmse(ElementType.Q4_K), s_eps);

    [Fact]
    public void Block_gives_a_row_the_same_bits_in_any_batch()
    {
        foreach (ElementType type in Data.WeightTypes)
        {
            TestTensor[] all = Operands(13, 256, 256, type, ElementType.Q8_0, type);
            byte[] together = Against.Fast(FfnBlock.Instance, all, s_eps)[0].Data;
            foreach ((int first, int count) in ((int, int)[])[(0, 1), (3, 1), (1, 2), (4, 4), (5, 8)])
            {
                TestTensor some = TestTensor.Of(all[0].Floats()[(first * 256)..((first + count) * 256)], count, 256);
                Assert.Equal(together[(first * 1024)..((first + count) * 1024)], Against.Fast(FfnBlock.Instance, [some, .. all[1..]], s_eps)[0].Data);
            }
        }
    }

    [Fact]
    public void Block_of_more_rows_than_a_tile_has_gives_each_the_same_bits()
    {
        TestTensor[] all = Operands(600, 32, 64, ElementType.Q8_0, ElementType.Q8_0, ElementType.Q8_0);
        byte[] together = Against.Fast(FfnBlock.Instance, all, s_eps)[0].Data;
        TestTensor last = TestTensor.Of(all[0].Floats()[(599 * 32)..], 1, 32);
        Assert.Equal(together[(599 * 128)..], Against.Fast(FfnBlock.Instance, [last, .. all[1..]], s_eps)[0].Data);
    }

    [Fact]
    public void Supports_opens_the_block_in_exact_and_where_its_weights_are_no_constants()
    {
        using CpuDevice device = new(1);
        TestTensor[] operands = Operands(1, 32, 32, ElementType.F32, ElementType.F32, ElementType.F32);
        Assert.True(Supports(Precision.Fast, operands).IsSupported);
        Assert.Equal("blocks are opened; the ops inside have kernels", Supports(Precision.Exact, operands).Reason);
        operands[3] = operands[3] with { Role = TensorRole.Input };
        Assert.Equal("blocks are opened; the ops inside have kernels", Supports(Precision.Fast, operands).Reason);

        Support Supports(Precision precision, TestTensor[] operands)
        {
            device.Supports(OpRunner.Describe(FfnBlock.Instance, operands, s_eps, default, precision), out Support support);
            return support;
        }
    }

    private static TestTensor[] Operands(int rows, int k, int f, ElementType gate, ElementType up, ElementType down) =>
    [
        Data.Floats(1, rows, k), Data.Norm(2, k), Data.Weight(3, gate, f, k), Data.Weight(4, up, f, k), Data.Weight(5, down, k, f),
    ];
}
