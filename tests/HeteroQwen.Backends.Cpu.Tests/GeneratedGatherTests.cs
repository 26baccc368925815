using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>Rows of a table that a seed makes: those of the table in memory, without its memory.</summary>
public sealed unsafe class GeneratedGatherTests
{
    private const int Rows = 40;
    private static readonly int[] s_index = [39, 0, 7, 7, 12, 38, 1];

    public static TheoryData<ElementType, int> Cases =>
        [.. ElementTypes.All.Where(t => t.IsFloat() || t.IsQuantized()).SelectMany(t => ((int[])[1, 3]).Select(n => (t, n)))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_of_a_generated_table_are_bit_for_bit_those_of_the_table_in_memory(ElementType type, int threads)
    {
        // Longer than the number of 16-bit values that a generator can make, and shorter.
        foreach (int length in (int[])[768, 4608])
        {
            ConstantData generated = Table(type, length);
            byte[] bytes = new byte[generated.Bytes];
            fixed (byte* to = bytes)
            {
                generated.Read(0, (nint)to, bytes.Length);
                ConstantData inMemory = generated with { Generator = null, Ranges = [new((nint)to, bytes.Length)] };
                using CpuDevice device = new(threads, smallestShare: 1);
                int[] made = Gather(device, generated, length, out bool kept);
                Assert.False(kept);
                Assert.Equal(Gather(device, inMemory, length, out kept), made);
                Assert.True(kept);
            }
        }
    }

    [Fact]
    public void No_table_is_held_and_a_generator_that_cannot_make_one_is_refused()
    {
        using CpuDevice device = new(1);
        ConstantData table = Table(ElementType.Q8_0, 768);
        OpRunner.Check("prepare", device.Prepare(Op(ElementType.Q8_0, 768), [table, null], out IKernel? kernel));
        Assert.Equal(0, device.Constants.Bytes);
        kernel!.Dispose();
        ConstantData wrong = table with { Generator = new ConstantGenerator(1, 0.5, 1) };
        Assert.Equal(StatusCode.InvalidArgument, device.Prepare(Op(ElementType.Q8_0, 768), [wrong, null], out _).Code);
        Assert.Equal(StatusCode.InvalidArgument, device.Prepare(Op(ElementType.Q8_0, 768), [Table(ElementType.Q8_0, 1024), null], out _).Code);
    }

    private static ConstantData Table(ElementType type, int length) =>
        ConstantData.Generated($"{type} {length}", type, [Rows, length], new ConstantGenerator(5, 0, 0.02));

    private static OpDescriptor Op(ElementType type, int length) => OpRunner.Describe(
        GatherRows.Instance, [new TestTensor(type, [Rows, length], []).AsConstant(), Data.Ints(2, Rows, s_index.Length)], Attributes.Empty, default);

    private static int[] Gather(CpuDevice device, ConstantData table, int length, out bool kept)
    {
        OpRunner.Check("prepare", device.Prepare(Op(table.Type, length), [table, null], out IKernel? kernel));
        kept = kernel!.Info.KeepsHostConstants;
        using CpuBuffer index = new(s_index.Length * sizeof(int));
        s_index.CopyTo(new Span<int>(index.Data, s_index.Length));
        using CpuBuffer result = new((long)s_index.Length * length * sizeof(float));
        OpRunner.Check("create stream", device.CreateStream(out IStream? stream));
        OpRunner.Check("launch", stream!.Launch(
            kernel, default, [new() { Strides = [] }, new() { Buffer = index, Strides = [1] }, new() { Buffer = result, Strides = [length, 1] }], null, 0));
        int[] bits = new Span<int>(result.Data, s_index.Length * length).ToArray();
        stream.Dispose();
        kernel.Dispose();
        return bits;
    }
}
