using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Panels;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary><c>linear</c> in fast, with weights that are packed.</summary>
public sealed class PackedLinearTests
{
    /// <summary>The NMSE of activations in int8 per 32, in BF16 (which some tiers take for BF16 weights), and of f32 sums alone.</summary>
    private const double Int8 = 5e-4, Brains = 1e-5, F32 = 1e-12;

    public static TheoryData<ElementType> Types() => PackingTests.Types();

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_matches_the_reference_with_and_without_bias_in_any_layout(ElementType type)
    {
        foreach ((int m, int blocks, int n) in ((int, int, int)[])[(1, 1, 1), (3, 2, 40), (17, 3, 33)])
        {
            int k = type.IsQuantized() ? blocks * type.BlockElements() : (33 * blocks) + 1;
            TestTensor x = Data.Floats(m, m, k);
            TestTensor weight = Weights.Make(type, 1, n, k) with { Dims = [n, k] };
            double bound = type.IsQuantized() ? Int8 : type == ElementType.BF16 ? Brains : F32;
            TestTensor plain = Against.Packed(Linear.Instance, [x, weight.AsConstant(ranges: n)], bound, Attributes.Empty)[0];
            Against.Packed(Linear.Instance, [x, weight.AsConstant(), Data.Floats(3, n).AsConstant()], bound, Attributes.Empty);
            Against.Packed(Linear.Instance, [x, weight.AsConstant(), Data.Floats(3, ElementType.F16, 1, n)], bound, Attributes.Empty);
            foreach (TestTensor laid in (TestTensor[])[x.WithGaps(), x.Transposed()])
            {
                Assert.Equal(plain.Data, Against.Fast(Linear.Instance, [laid, weight.AsConstant()], Attributes.Empty)[0].Data);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_gives_a_row_the_same_bits_in_any_batch(ElementType type)
    {
        const int Rows = 11, K = 256, N = 45;
        TestTensor all = Data.Floats(1, Rows, K);
        TestTensor weight = (Weights.Make(type, 1, N, K) with { Dims = [N, K] }).AsConstant();
        float[] together = Against.Fast(Linear.Instance, [all, weight], Attributes.Empty)[0].Floats();
        foreach ((int first, int count) in ((int, int)[])[(0, 1), (1, 2), (4, 7)])
        {
            TestTensor part = TestTensor.Of(all.Floats()[(first * K)..((first + count) * K)], count, K);
            float[] y = Against.Fast(Linear.Instance, [part, weight], Attributes.Empty)[0].Floats();
            Assert.Equal(together[(first * N)..((first + count) * N)], y);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_gives_the_same_bits_in_every_tier_where_activations_are_int8(ElementType type)
    {
        const int K = 512, N = 50;
        TestTensor[] operands = [Data.Floats(1, 7, K), (Weights.Make(type, 1, N, K) with { Dims = [N, K] }).AsConstant()];
        TestTensor[] results = [.. CpuTiers.Here.Select(tier =>
        {
            using CpuDevice device = new(2, tier, smallestShare: 1);
            return OpRunner.Run(device, Linear.Instance, operands, precision: Precision.Fast)[0];
        })];
        Assert.All(results.Where(_ => type.IsQuantized()), r => Assert.Equal(results[0].Data, r.Data));
    }

    [Fact]
    public void Kernels_of_one_weight_share_its_packed_form_and_need_no_host_memory()
    {
        using CpuDevice device = new(2);
        using HostConstant constant = new("w", (Weights.Make(ElementType.Q8_0, 1, 40, 64) with { Dims = [40, 64] }).AsConstant());
        TestTensor x = Data.Floats(1, 2, 64);
        TestTensor weight = new TestTensor(ElementType.Q8_0, [40, 64], []).AsConstant();
        OpDescriptor op = OpRunner.Describe(Linear.Instance, [x, weight], Attributes.Empty, default, Precision.Fast);
        OpRunner.Check("supports", device.Supports(op, out Support support));
        OpRunner.Check("prepare", device.Prepare(op, [null, constant.Data], out IKernel? one));
        OpRunner.Check("prepare", device.Prepare(op, [null, constant.Data], out IKernel? other));
        long bytes = PackedMatrix.PackedBytes(ElementType.Q8_0, 1, 40, 64);
        Assert.Equal(bytes, support.ConstantBytes);
        Assert.Equal(bytes, device.Pool.Weights.Bytes);
        Assert.All([one!, other!], k => Assert.Equal((false, bytes), (k.Info.KeepsHostConstants, k.Info.ConstantBytes)));
        one!.Dispose();
        other!.Dispose();
        Assert.Equal(0, device.Pool.Weights.Bytes);
    }

    [Fact]
    public void Linear_with_a_weight_that_is_an_input_or_in_exact_packs_nothing()
    {
        TestTensor[] operands = [Data.Floats(1, 2, 64), Data.Floats(2, 8, 64)];
        foreach ((TestTensor weight, Precision precision) in ((TestTensor, Precision)[])
            [(operands[1], Precision.Fast), (operands[1].AsConstant(), Precision.Exact)])
        {
            OpDescriptor op = OpRunner.Describe(Linear.Instance, [operands[0], weight], Attributes.Empty, default, precision);
            Assert.False(KernelTable.Packs(op, 1));
        }
    }
}
