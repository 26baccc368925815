using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class AttentionBlockTests
{
    private static readonly (int Entries, int Tokens)[] s_ragged = [(17, 5), (3, 1), (9, 9), (1, 1)];

    public static TheoryData<ElementType, ElementType, bool> Types()
    {
        TheoryData<ElementType, ElementType, bool> data = [];
        ElementType[] states = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0];
        foreach ((int i, ElementType weights) in Data.WeightTypes.Index())
        {
            data.Add(weights, states[i % 4], i % 2 == 0);
            data.Add(weights, states[(i + 1) % 4], i % 2 == 1);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Block_is_its_opened_form_within_the_roundings(ElementType weights, ElementType state, bool biases)
    {
        AttentionBlockStep block = Block(weights, state, biases);
        double cache = state switch { ElementType.F32 => 0, ElementType.F16 => 1e-7, ElementType.BF16 => 1e-5, _ => 1e-4 };
        foreach ((int, int)[] sequences in ((int, int)[][])[[(1, 1)], [(40, 40)], s_ragged])
        {
            AttentionStep step = block.Step(sequences);
            Against.Packed(
                AttentionBlock.Instance, block.Operands(step), Data.PackedNmse(weights) + cache, AttentionBlockStep.Attributes(step), step.Bindings);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Block_has_the_bits_of_its_opened_form(ElementType weights, ElementType state, bool biases)
    {
        AttentionBlockStep block = Block(weights, state, biases);
        AttentionStep step = block.Step(s_ragged);
        Against.Opened(AttentionBlock.Instance, block.Operands(step), AttentionBlockStep.Attributes(step), step.Bindings);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Block_gives_the_same_bits_for_any_chunks_and_wherever_other_sequences_are(ElementType weights, ElementType state, bool biases)
    {
        AttentionBlockStep block = Block(weights, state, biases);
        TestTensor[] whole = Run(block, block.Step((21, 21)));
        foreach (int[] chunks in (int[][])[[1, 1, 1, 1, 1, 16], [8, 8, 4, 1], [20, 1]])
        {
            TestTensor[]? results = null;
            List<byte> rows = [];
            int entries = 0;
            foreach (int chunk in chunks)
            {
                entries += chunk;
                results = Run(block, block.Step((entries, chunk)), results?[1], results?[2]);
                rows.AddRange(results[0].Data);
            }

            Assert.Equal(whole[0].Data, rows);
            Assert.Equal(Written(block, whole), Written(block, results!));
        }

        byte[] batched = Run(block, block.Step((21, 21), (6, 2)))[0].Data;
        Assert.Equal(whole[0].Data, batched[..whole[0].Data.Length]);
    }

    [Fact]
    public void Block_sees_a_window_of_entries()
    {
        AttentionBlockStep block = new(ElementType.F32, ElementType.F32, 24, 4, 2, 8, false) { Window = 3 };
        AttentionStep step = block.Step(s_ragged);
        Against.Packed(AttentionBlock.Instance, block.Operands(step), 1e-11, AttentionBlockStep.Attributes(step), step.Bindings);
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.Q8_0)]
    public void Block_changes_no_row_of_a_state_but_those_of_its_tokens(ElementType state)
    {
        AttentionBlockStep block = Block(ElementType.Q8_0, state, false);
        AttentionStep step = block.Step(s_ragged);
        TestTensor[] operands = block.Operands(step);
        TestTensor[] results = Against.Fast(AttentionBlock.Instance, operands, AttentionBlockStep.Attributes(step), step.Bindings);
        int[] written = step.WriteSlots;
        foreach ((int operand, int result) in AttentionBlock.Instance.StateUpdates)
        {
            int row = results[result].Data.Length / (int)results[result].Dims[0].Constant;
            for (int slot = 0; slot < results[result].Dims[0].Constant; slot++)
            {
                bool same = results[result].Data.AsSpan(slot * row, row).SequenceEqual(operands[operand].Data.AsSpan(slot * row, row));
                Assert.Equal(!written.Contains(slot), same);
            }
        }
    }

    [Fact]
    public void Last_row_wins_where_slots_repeat()
    {
        AttentionBlockStep block = Block(ElementType.F32, ElementType.F32, false);
        AttentionStep step = block.Step((6, 3));
        TestTensor[] operands = block.Operands(step);
        int[] slots = step.WriteSlots;
        TestTensor[] expected = Against.Fast(AttentionBlock.Instance, operands, AttentionBlockStep.Attributes(step), step.Bindings);
        operands[AttentionBlockStep.WriteSlot] = TestTensor.Of([slots[2], slots[2], slots[2]], Dim.T);
        TestTensor[] found = Against.Fast(AttentionBlock.Instance, operands, AttentionBlockStep.Attributes(step), step.Bindings);
        Assert.Equal(Row(expected[1], slots[2]), Row(found[1], slots[2]));
        Assert.Equal(Row(operands[AttentionBlockStep.KState], slots[0]), Row(found[1], slots[0]));

        static byte[] Row(TestTensor state, int slot) => state.Data[(slot * 64)..((slot + 1) * 64)];
    }

    [Theory]
    [InlineData(AttentionBlockStep.WriteSlot, 48, "index 48 at 0")]
    [InlineData(14, 6, "q_pos 6 of token 0")]
    [InlineData(17, 12, "page 12 of sequence 0")]
    public void Block_refuses_an_index_that_points_outside(int operand, int value, string expected)
    {
        AttentionBlockStep block = Block(ElementType.F32, ElementType.F32, false);
        AttentionStep step = block.Step((6, 1));
        TestTensor[] operands = block.Operands(step);
        operands[operand] = TestTensor.Of([value, .. operands[operand].Ints()[1..]], [.. operands[operand].Dims]);
        StatusException e = Assert.Throws<StatusException>(
            () => Against.Fast(AttentionBlock.Instance, operands, AttentionBlockStep.Attributes(step), step.Bindings));
        Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    private static AttentionBlockStep Block(ElementType weights, ElementType state, bool biases)
    {
        // Rows of a block-quantised weight or state are whole blocks.
        int hidden = weights.IsQuantized() ? weights.BlockElements() : 24;
        int headDim = state.IsQuantized() || weights.IsQuantized() ? Math.Max(32, hidden / 4) : 8;
        return new AttentionBlockStep(weights, state, hidden, 4, 2, headDim, biases);
    }

    private static TestTensor[] Run(AttentionBlockStep block, AttentionStep step, TestTensor? k = null, TestTensor? v = null) => Against.Fast(
        AttentionBlock.Instance, block.Operands(step, k?.AsState(), v?.AsState()), AttentionBlockStep.Attributes(step), step.Bindings);

    /// <summary>The rows that 21 tokens have written.</summary>
    private static byte[] Written(AttentionBlockStep block, TestTensor[] results) =>
        [.. results[1..].SelectMany(state => block.Step((21, 21)).WriteSlots.SelectMany(slot =>
        {
            int row = state.Data.Length / (int)state.Dims[0].Constant;
            return state.Data[(slot * row)..((slot + 1) * row)];
        }))];
}
