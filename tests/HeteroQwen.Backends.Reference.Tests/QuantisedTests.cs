using System.Buffers.Binary;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

/// <summary>Block-quantised operands mean the values that <see cref="BlockFormats"/> gives, in every op that takes them.</summary>
public sealed class QuantisedTests
{
    public static TheoryData<ElementType> Types => [.. ElementTypes.All.Where(t => t.IsQuantized())];

    [Theory]
    [MemberData(nameof(Types))]
    public void Products_and_experts_of_quantised_weights_are_those_of_their_values(ElementType type)
    {
        TestTensor x = TestTensor.Of(Reference.Random(1, 3 * 256), 3, 256);
        TestTensor weight = TestTensor.OfBlocks(type, 2, 1, 5, 256);
        AssertSame(Linear.Instance, Attributes.Empty, [x, weight.AsConstant(ranges: 5)], 1);
        AssertSame(Linear.Instance, Attributes.Empty, [x, weight], 1);

        Attributes accumulate = new(("accumulate", "f32"));
        TestTensor index = TestTensor.Of([1, 0, 1, 1, 0, 0], 3, 2);
        TestTensor experts = TestTensor.OfBlocks(type, 3, 0.1f, 2, 256, 256).AsConstant(ranges: 2);
        AssertSame(MatMul.Instance, accumulate, [x, experts, index], 1);
        AssertSame(MatMul.Instance, accumulate, [TestTensor.Of(Reference.Random(1, 512), 2, 1, 256), experts], 1);
        TestTensor weights = TestTensor.Of(Reference.Random(4, 6), 3, 2);
        AssertSame(MoeFfn.Instance, Attributes.Empty, [x, weights, index, experts, experts, experts], 3, 4, 5);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_are_gathered_and_dequantised(ElementType type)
    {
        TestTensor table = TestTensor.OfBlocks(type, 2, 1, 6, 256);
        float[] all = Reference.Floats(Copy.Instance, new(("to", "f32")), table.AsConstant(ranges: 3));
        Assert.Equal(table.Floats(), all);
        float[] gathered = Reference.Floats(GatherRows.Instance, Attributes.Empty, table.AsConstant(ranges: 2), TestTensor.Of([5, 2], 2));
        Assert.Equal([.. all[(5 * 256)..], .. all[512..768]], gathered);
    }

    [Fact]
    public void Scatter_quantises_rows_and_leaves_others()
    {
        TestTensor state = TestTensor.OfBlocks(ElementType.Q8_0, 1, 1, 3, 64).AsState();
        float[] rows = new float[64];
        rows[1] = -254;
        rows[33] = 31.75f;
        TestTensor[] operands = [state, TestTensor.Of([1], 1), TestTensor.Of(rows, 1, 64)];
        TestTensor next = Reference.Run(ScatterRows.Instance, Attributes.Empty, operands)[0];
        Assert.Equal(rows, next.Floats()[64..128]);
        Assert.Equal(2f, (float)BinaryPrimitives.ReadHalfLittleEndian(next.Data.AsSpan(68)));
        Assert.Equal(state.Data[..68], next.Data[..68]);
        Assert.Equal(state.Data[136..], next.Data[136..]);
    }

    [Fact]
    public void Attention_over_a_quantised_pool_is_that_over_its_values()
    {
        AttentionCase small = new([9, 3], [2, 3], state: ElementType.Q8_0, width: 32);
        TestTensor[] y = Reference.Run(Attention.Instance, small.Attributes, small.Bindings, small.Operands());
        Reference.AssertRounded(small.Expected(), y[0].Floats());
    }

    /// <summary>The op gives the same bits when the operands named are replaced by their values in f32.</summary>
    private static void AssertSame(OpDefinition op, Attributes attributes, TestTensor[] operands, params int[] quantised)
    {
        TestTensor Widen(TestTensor x) => TestTensor.Of(x.Floats(), [.. x.Dims]) with { Role = x.Role };
        TestTensor[] widened = [.. operands.Select((o, i) => quantised.Contains(i) ? Widen(o) : o)];
        float[] found = Reference.Floats(op, attributes, operands);
        Assert.Contains(found, v => v != 0);
        Assert.Equal(Reference.Floats(op, attributes, widened), found);
    }
}
