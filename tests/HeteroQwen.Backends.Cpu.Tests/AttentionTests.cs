using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class AttentionTests
{
    [Theory]
    [InlineData(ElementType.F32, 0, 4, 2, 8)]
    [InlineData(ElementType.F16, 0, 2, 2, 6)]
    [InlineData(ElementType.BF16, 3, 6, 1, 17)]
    [InlineData(ElementType.F32, 1, 3, 3, 1)]
    [InlineData(ElementType.Q8_0, 0, 4, 2, 64)]
    [InlineData(ElementType.Q8_0, 3, 3, 3, 32)]
    public void Attention_matches_the_reference(ElementType type, long window, int heads, int kvHeads, int length)
    {
        AttentionStep step = new([(17, 17), (3, 1), (9, 2)], heads, kvHeads, length, type, window);
        Against.Bounded(Ir.Attention.Instance, step.Operands, 3e-6, step.Attributes, step.Bindings);
    }

    [Fact]
    public void Attention_takes_q_in_any_layout()
    {
        AttentionStep step = new([(6, 6)], 4, 2, 8, ElementType.F32, 0);
        byte[] dense = Against.Cpu(Ir.Attention.Instance, step.Operands, step.Attributes, step.Bindings)[0].Data;
        TestTensor q = Data.Floats(1, 6, 4, 8);
        foreach (TestTensor laid in (TestTensor[])[q.WithGaps(), q.Transposed()])
        {
            TestTensor[] operands = [laid with { Dims = [Dim.T, 4, 8] }, .. step.Operands.Skip(1)];
            Assert.Equal(dense, Against.Cpu(Ir.Attention.Instance, operands, step.Attributes, step.Bindings)[0].Data);
        }
    }

    [Fact]
    public void Attention_gives_the_same_bits_wherever_the_pages_lie_and_whoever_else_is_in_the_batch()
    {
        AttentionStep alone = new([(11, 2)], 4, 2, 8, ElementType.F16, 5);
        AttentionStep moved = new([(11, 2)], 4, 2, 8, ElementType.F16, 5) { FirstPage = 7 };
        AttentionStep batched = new([(11, 2), (14, 3)], 4, 2, 8, ElementType.F16, 5);
        byte[] expected = Run(alone);
        Assert.Equal(expected, Run(moved));
        Assert.Equal(expected, Run(batched)[..expected.Length]);

        static byte[] Run(AttentionStep step) => Against.Cpu(Ir.Attention.Instance, step.Operands, step.Attributes, step.Bindings)[0].Data;
    }

    [Theory]
    [InlineData(3, 5, "q_seq 5 of token 0")]
    [InlineData(4, 6, "q_pos 6 of token 0")]
    [InlineData(4, -1, "q_pos -1 of token 0")]
    [InlineData(6, 60, "more than its 5 pages")]
    [InlineData(6, 8, "more than its 5 pages or N hold")]
    [InlineData(7, 12, "page 12 of sequence 0")]
    [InlineData(7, -3, "page -3 of sequence 0")]
    public void Attention_refuses_an_index_that_points_outside(int operand, int value, string expected)
    {
        AttentionStep step = new([(6, 1)], 2, 1, 4, ElementType.F32, 0);
        TestTensor[] operands = step.Operands;
        int[] values = operands[operand].Ints();
        values[operand == 6 ? 1 : 0] = value;
        operands[operand] = TestTensor.Of(values, [.. operands[operand].Dims]);
        StatusException e = Assert.Throws<StatusException>(
            () => Against.Cpu(Ir.Attention.Instance, operands, step.Attributes, step.Bindings));
        Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }
}
