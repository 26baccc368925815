using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class AttentionTests
{
    private const int QSeq = 3, QPos = 4, QStart = 5, KvStart = 6, PageTable = 7, KvSlot = 8;

    public static TheoryData<int[], int[], long, ElementType, int> Cases => new()
    {
        { [1], [1], 0, ElementType.F32, 1 },
        { [2], [1], 0, ElementType.F32, 2 },
        { [3], [3], 0, ElementType.F32, 2 },
        { [9], [9], 0, ElementType.F16, 2 },
        { [13], [5], 3, ElementType.F32, 3 },
        { [13], [5], 1, ElementType.BF16, 2 },
        { [5, 11], [2, 3], 0, ElementType.F32, 2 },
        { [4, 8, 1], [1, 8, 1], 4, ElementType.F32, 2 },
        { [4, 8], [0, 2], 100, ElementType.F32, 2 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_see_their_own_sequence_up_to_their_position(int[] entries, int[] tokens, long window, ElementType state, int group)
    {
        AttentionCase given = new(entries, tokens, window, state, group);
        TestTensor[] y = Reference.Run(Attention.Instance, given.Attributes, given.Bindings, given.Operands());
        Reference.AssertRounded(given.Expected(), y[0].Floats());
    }

    [Fact]
    public void A_batch_gives_the_bits_of_its_sequences_alone()
    {
        AttentionCase together = new([6, 9], [2, 4]);
        TestTensor[] operands = together.Operands();
        float[] expected = Reference.Run(Attention.Instance, together.Attributes, together.Bindings, operands)[0].Floats();

        // The last token alone, with the pool and the pages of the second sequence.
        const int Row = 4 * 4;
        operands[0] = TestTensor.Of(operands[0].Floats()[^Row..], Dim.T, 4, 4);
        operands[QSeq] = TestTensor.Of([0], Dim.T);
        operands[QPos] = TestTensor.Of([8], Dim.T);
        operands[QStart] = TestTensor.Of([0, 1], Dim.BPlus1);
        operands[KvStart] = TestTensor.Of([0, 9], Dim.BPlus1);
        int[] pages = operands[PageTable].Ints();
        operands[PageTable] = TestTensor.Of(pages[(pages.Length / 2)..], Dim.B, pages.Length / 2);
        for (int i = KvSlot; i < operands.Length; i++)
        {
            operands[i] = TestTensor.Of(operands[i].Ints()[6..], Dim.N);
        }

        float[] alone = Reference.Run(Attention.Instance, together.Attributes, new Bindings(1, 9, 1, 0), operands)[0].Floats();
        Assert.Equal(expected[^Row..], alone);
    }

    [Fact]
    public void Strided_queries_give_the_same_bits()
    {
        AttentionCase given = new([7], [3]);
        TestTensor[] operands = given.Operands();
        float[] expected = Reference.Run(Attention.Instance, given.Attributes, given.Bindings, operands)[0].Floats();
        float[] headsFirst = operands[0].View([4, 3, 4], [4, 16, 1]).Dense().Floats();
        operands[0] = TestTensor.Of(headsFirst, 4, 3, 4).View([Dim.T, 4, 4], [4, 12, 1]);
        Assert.Equal(expected, Reference.Run(Attention.Instance, given.Attributes, given.Bindings, operands)[0].Floats());
    }

    [Theory]
    [InlineData(QSeq, 0, 1, "attention: q_seq holds 1, and only 0 to 0 is in range")]
    [InlineData(QSeq, 0, -1, "attention: q_seq holds -1, and only 0 to 0 is in range")]
    [InlineData(QPos, 0, 9, "attention: q_pos holds 9, and only 0 to 8 is in range")]
    [InlineData(QPos, 0, -1, "attention: q_pos holds -1, and only 0 to 8 is in range")]
    [InlineData(KvStart, 1, 10, "attention: kv_start holds 10, and only 0 to 9 is in range")]
    [InlineData(KvStart, 0, 9, "attention: q_pos holds 7, and only 0 to -1 is in range")]
    [InlineData(PageTable, 1, 3, "attention: page_table holds 3, and only 0 to 2 is in range")]
    [InlineData(PageTable, 2, -1, "attention: page_table holds -1, and only 0 to 2 is in range")]
    public void Wrong_indices_are_refused(int operand, int at, int value, string sentence)
    {
        AttentionCase given = new([9], [2]);
        TestTensor[] operands = given.Operands();
        int[] values = operands[operand].Ints();
        values[at] = value;
        operands[operand] = TestTensor.Of(values, [.. operands[operand].Dims]);
        Assert.Equal(sentence, Reference.Refusal(Attention.Instance, given.Attributes, given.Bindings, operands));
    }

    [Fact]
    public void A_position_beyond_the_page_table_is_refused()
    {
        AttentionCase given = new([9], [2]);
        TestTensor[] operands = given.Operands();
        operands[PageTable] = TestTensor.Of(operands[PageTable].Ints()[..2], Dim.B, 2);
        string sentence = Reference.Refusal(Attention.Instance, given.Attributes, given.Bindings, operands);
        Assert.Equal("attention: position 8 lies beyond the 2 pages of 4 entries of a sequence", sentence);
    }
}
