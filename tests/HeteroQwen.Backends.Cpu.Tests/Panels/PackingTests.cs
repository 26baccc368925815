using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

public sealed class PackingTests
{
    public static TheoryData<ElementType> Types() => [.. ElementTypes.All.Where(PackedMatrix.Packs)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Pack_keeps_every_value_whatever_the_sizes_threads_and_ranges(ElementType type)
    {
        int block = type.BlockElements();
        foreach ((int experts, int n, int k) in ((int, int, int)[])[(1, 1, 1), (1, 16, 2), (3, 17, 3), (2, 33, 5), (5, 7, 4)])
        {
            TestTensor weight = Weights.Make(type, experts, n, type.IsQuantized() ? k * block : (k * 31) + 1);
            foreach (int threads in (int[])[1, 2, 5])
            {
                using WorkerPool pool = new(threads, smallestShare: 1);
                using HostConstant constant = new("w", weight.AsConstant(ranges: experts * (threads == 2 ? n : 1)) with { });
                using PackedMatrix matrix = PackedMatrix.Pack(constant.Data, pool);
                constant.Overwrite();
                AssertHolds(weight, matrix);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public unsafe void Pack_of_a_generated_constant_gives_the_bytes_of_the_same_one_in_memory(ElementType type)
    {
        long[] shape = [3, 21, 512];
        ConstantData generated = ConstantData.Generated("g", type, [.. shape], new ConstantGenerator(7, 0, 0.02));
        byte[] bytes = new byte[generated.Bytes];
        fixed (byte* at = bytes)
        {
            generated.Read(0, (nint)at, bytes.Length);
        }

        using WorkerPool pool = new(2, smallestShare: 1);
        using HostConstant constant = new("m", new TestTensor(type, [.. shape.Select(Dim.FromInt64)], bytes).AsConstant(3));
        using PackedMatrix one = PackedMatrix.Pack(generated, pool);
        using PackedMatrix other = PackedMatrix.Pack(constant.Data, pool);
        Assert.NotSame(one, other);
        Assert.True(new ReadOnlySpan<byte>(one.Data, (int)one.Bytes).SequenceEqual(new ReadOnlySpan<byte>(other.Data, (int)other.Bytes)));
    }

    [Fact]
    public void Pack_shares_the_memory_of_an_identity_until_its_last_reader_is_gone()
    {
        using WorkerPool pool = new(1);
        using HostConstant constant = new("w", Weights.Make(ElementType.Q8_0, 1, 5, 64).AsConstant());
        PackedMatrix one = PackedMatrix.Pack(constant.Data, pool);
        PackedMatrix other = PackedMatrix.Pack(constant.Data, pool);
        Assert.Same(one, other);
        Assert.Equal(PackedMatrix.PackedBytes(ElementType.Q8_0, 1, 5, 64), pool.Weights.Bytes);
        one.Dispose();
        Assert.Equal(one.Bytes, pool.Weights.Bytes);
        other.Dispose();
        Assert.Equal(0, pool.Weights.Bytes);
    }

    [Fact]
    public void Pack_refuses_a_constant_whose_bytes_are_not_all_there_and_holds_nothing()
    {
        using WorkerPool pool = new(2, smallestShare: 1);
        using HostConstant constant = new("w", Weights.Make(ElementType.Q4_0, 1, 40, 64).AsConstant());
        ConstantData[] wrong =
        [
            constant.Data with { Shape = [1, 41, 64] }, constant.Data with { Shape = [40, 33] }, constant.Data with { Shape = [2560] },
            constant.Data with { Type = ElementType.I8 }, constant.Data with { Shape = [40, 0] },
            ConstantData.Generated("g", ElementType.F32, [3, 40, 64], new(1, 0, 1)) with { Generator = new(1, double.NaN, 1) },
        ];
        Assert.All(wrong, w => Assert.Throws<ArgumentException>(() => PackedMatrix.Pack(w, pool)));
        Assert.Equal(0, pool.Weights.Bytes);
        Assert.Throws<OverflowException>(() => PackedMatrix.Pack(constant.Data with { Shape = [long.MaxValue / 2, 64] }, pool));
    }

    private static void AssertHolds(TestTensor weight, PackedMatrix matrix)
    {
        PanelReader reader = new(matrix);
        float[] values = weight.Floats();
        for (int i = 0; i < values.Length; i++)
        {
            (long row, long k) = Math.DivRem(i, matrix.Length);
            float found = reader.Value(row / matrix.Columns, row % matrix.Columns, k);
            bool same = BitConverter.SingleToInt32Bits(values[i]) == BitConverter.SingleToInt32Bits(found) || values[i] == found;
            Assert.True(same, $"{weight}: element {i} is {found:R} and should be {values[i]:R}");
        }

        long padded = ActivationRows.Padded(matrix.Length);
        for (long n = 0; n < matrix.Panels * 16; n++)
        {
            for (long k = n < matrix.Columns ? matrix.Length : 0; k < padded; k++)
            {
                Assert.Equal(0, reader.Value(matrix.Matrices - 1, n, k));
            }
        }
    }
}
