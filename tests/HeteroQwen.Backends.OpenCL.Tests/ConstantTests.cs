using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>Weights that exceed the largest buffer, and weights that several kernels read.</summary>
public sealed class ConstantTests
{
    private const int PieceBytes = 40_000;

    private static readonly OpenClBackend s_small = new() { Tune = f => Tuning.For(f) with { PieceBytes = PieceBytes }, Store = null };

    public static TheoryData<ElementType> Types =>
        [ElementType.F32, ElementType.BF16, ElementType.Q8_0, ElementType.Q4_K];

    [Theory]
    [MemberData(nameof(Types))]
    public void Linear_of_a_weight_in_several_buffers_gives_the_bits_of_one_buffer(ElementType type) =>
        SameSplit(Linear.Instance, [Values(7, 256), Weight(type, 301, 256)]);

    [Theory]
    [MemberData(nameof(Types))]
    public void Gather_rows_of_a_table_in_several_buffers_gives_the_bits_of_one_buffer(ElementType type) =>
        SameSplit(GatherRows.Instance, [Weight(type, 301, 256), TestTensor.Of([0, 300, 17, 150, 151, 299], 6)]);

    [Theory]
    [MemberData(nameof(Types))]
    public void Copy_of_a_constant_in_several_buffers_gives_the_bits_of_one_buffer(ElementType type) =>
        SameSplit(Copy.Instance, [Weight(type, 301, 256)], new Attributes(("to", type == ElementType.F32 ? "bf16" : "f32")));

    [Theory]
    [MemberData(nameof(Types))]
    public void Experts_in_several_buffers_give_the_bits_of_one_buffer(ElementType type) => SameSplit(
        MoeFfn.Instance,
        [
            Values(3, 256), TestTensor.Of([0.5f, 0.5f, 0.25f, 0.75f, 1, 0], 3, 2), TestTensor.Of([0, 8, 3, 7, 4, 5], 3, 2),
            Weight(type, 9, 32, 256), Weight(type, 9, 32, 256), Weight(type == ElementType.Q4_K ? ElementType.Q8_0 : type, 9, 256, 32),
        ]);

    [Fact]
    public void Prepare_refuses_a_weight_one_row_of_which_exceeds_the_largest_buffer()
    {
        using OpenClDevice device = OpenCl.Open(s_small);
        HeteroQwen.Tests.StatusException refused = Assert.Throws<HeteroQwen.Tests.StatusException>(
            () => OpRunner.Run(device, Linear.Instance, [Values(1, 16384), Weight(ElementType.F32, 2, 16384)]));
        Assert.Equal(StatusCode.OutOfMemory, refused.Status.Code);
        Assert.Equal(0, device.Constants.Count);
    }

    [Fact]
    public void Kernels_that_read_one_identity_share_its_memory_until_the_last_is_released()
    {
        using OpenClDevice device = OpenCl.Open();
        TestTensor weight = Weight(ElementType.F32, 32, 64);
        GCHandle pin = GCHandle.Alloc(weight.Data, GCHandleType.Pinned);
        ConstantData data = new("tied", ElementType.F32, [32, 64], [new(pin.AddrOfPinnedObject(), weight.Data.Length)]);
        OpDescriptor linear = OpRunner.Describe(Linear.Instance, [Values(1, 64), weight], Attributes.Empty, default);
        OpDescriptor gather = OpRunner.Describe(GatherRows.Instance, [weight, TestTensor.Of([1], 1)], Attributes.Empty, default);
        OpRunner.Check("prepare", device.Prepare(linear, [null, data], out IKernel? first));
        OpRunner.Check("prepare", device.Prepare(gather, [data, null], out IKernel? second));
        Assert.Equal(1, device.Constants.Count);
        first!.Dispose();
        Assert.Equal(1, device.Constants.Count);
        second!.Dispose();
        Assert.Equal(0, device.Constants.Count);
        pin.Free();
    }

    private static void SameSplit(OpDefinition op, TestTensor[] operands, Attributes? attributes = null)
    {
        using OpenClDevice whole = OpenCl.Open();
        using OpenClDevice split = OpenCl.Open(s_small);
        Assert.Contains(operands, o => o.Role == TensorRole.Constant && o.Data.Length > PieceBytes);
        TestTensor[] expected = OpRunner.Run(whole, op, operands, attributes);
        Assert.Equal(expected[0].Data, OpRunner.Run(split, op, operands, attributes)[0].Data);
    }

    private static TestTensor Values(params int[] dims) =>
        TestTensor.Of(Random(dims), [.. dims.Select(d => (Dim)d)]);

    private static TestTensor Weight(ElementType type, params int[] dims) => (type.IsQuantized()
        ? TestTensor.OfBlocks(type, 5, 0.3f, [.. dims.Select(d => (Dim)d)])
        : TestTensor.Of(type, Random(dims), [.. dims.Select(d => (Dim)d)])).AsConstant();

    private static float[] Random(int[] dims)
    {
        Random random = new(dims[0]);
        return [.. Enumerable.Range(0, dims.Aggregate(1, (a, b) => a * b)).Select(_ => (2 * random.NextSingle()) - 1)];
    }
}
