using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;
using HeteroQwen.Tests;

namespace HeteroQwen.Runtime.Tests.Execution;

public sealed unsafe class ConstantExpanderTests
{
    public static TheoryData<ElementType> Quantised => [.. ElementTypes.All.Where(t => t.IsQuantized())];

    [Theory]
    [MemberData(nameof(Quantised))]
    public void Quantised_weights_of_several_ranges_expand_to_their_values(ElementType type)
    {
        // 17408 elements: more than are expanded at a time.
        TestTensor weight = TestTensor.OfBlocks(type, 1, 1, 4, 4352);
        Assert.Equal(weight.Floats(), Expand(weight, 2, ElementType.F32).Floats());
        Assert.Equal(TestTensor.Of(ElementType.F16, weight.Floats()).Data, Expand(weight, 4, ElementType.F16).Data);
        Assert.Equal(TestTensor.Of(ElementType.BF16, weight.Floats()).Data, Expand(weight, 1, ElementType.BF16).Data);
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void Float_weights_expand_to_each_type_rounded_to_nearest_even(ElementType type)
    {
        float[] values = [1, 1.00390625f, 1.01171875f, -0f, 1e-7f, float.NaN, float.NegativeInfinity, 65504];
        TestTensor weight = TestTensor.Of(type, values, 8, 1);
        foreach (ElementType to in (ElementType[])[ElementType.F32, ElementType.F16, ElementType.BF16])
        {
            bool overflows = type == ElementType.BF16 && to == ElementType.F16;
            TestTensor source = overflows ? weight with { Dims = [7, 1], Data = weight.Data[..14] } : weight;
            Assert.Equal(TestTensor.Of(to, source.Floats()).Floats(), Expand(source, 1, to).Floats());
        }
    }

    [Theory]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.Q4_K)]
    public void Generated_weights_expand_as_those_in_memory_do(ElementType type)
    {
        ConstantData generated = ConstantData.Generated("the weight", type, [4, 4352], new(1, 0, 0.02));
        byte[] bytes = new byte[generated.Bytes];
        fixed (byte* to = bytes)
        {
            generated.Read(0, (nint)to, bytes.Length);
        }

        using ConstantExpander expander = new();
        ConstantData expanded = expander.Expand(generated, ElementType.F32);
        Assert.Equal(
            Expand(new TestTensor(type, [4, 4352], bytes), 1, ElementType.F32).Data,
            new ReadOnlySpan<byte>((void*)expanded.Ranges[0].Address, (int)expanded.Bytes).ToArray());
    }

    [Fact]
    public void A_value_that_overflows_the_type_is_an_error_naming_the_constant()
    {
        TestTensor weight = TestTensor.Of([1, 65520f], 2, 1);
        string message = Assert.Throws<UserErrorException>(() => Expand(weight, 1, ElementType.F16)).Message;
        Assert.Contains("the weight holds 65520, which overflows f16", message, StringComparison.Ordinal);
    }

    private static TestTensor Expand(TestTensor weight, int ranges, ElementType to)
    {
        // One byte further on: files need not align.
        nint memory = (nint)NativeMemory.Alloc((nuint)weight.Data.Length + 1) + 1;
        using ConstantExpander expander = new();
        try
        {
            Marshal.Copy(weight.Data, 0, memory, weight.Data.Length);
            int part = weight.Data.Length / ranges;
            ImmutableArray<ByteRange> parts = [.. Enumerable.Range(0, ranges).Select(i => new ByteRange(memory + (i * part), part))];
            ConstantData data = expander.Expand(new("the weight", weight.Element, [.. weight.Dims.Select(d => d.Constant)], parts), to);
            Assert.Equal(data.Bytes, expander.Bytes);
            return new TestTensor(to, weight.Dims, new ReadOnlySpan<byte>((void*)data.Ranges[0].Address, (int)data.Bytes).ToArray());
        }
        finally
        {
            NativeMemory.Free((void*)(memory - 1));
        }
    }
}
