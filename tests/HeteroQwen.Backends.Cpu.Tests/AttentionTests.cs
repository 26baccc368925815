using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class AttentionTests
{
    private const int Page = 4;
    private const int Pages = 12;
    private const int Columns = 5;

    [Theory]
    [InlineData(ElementType.F32, 0, 4, 2, 8)]
    [InlineData(ElementType.F16, 0, 2, 2, 6)]
    [InlineData(ElementType.BF16, 3, 6, 1, 17)]
    [InlineData(ElementType.F32, 1, 3, 3, 1)]
    [InlineData(ElementType.Q8_0, 0, 4, 2, 64)]
    [InlineData(ElementType.Q8_0, 3, 3, 3, 32)]
    public void Attention_matches_the_reference(ElementType type, long window, int heads, int kvHeads, int length)
    {
        Step step = new([(17, 17), (3, 1), (9, 2)], heads, kvHeads, length, type, window);
        Against.Bounded(Ir.Attention.Instance, step.Operands, 3e-6, step.Attributes, step.Bindings);
    }

    [Fact]
    public void Attention_takes_q_in_any_layout()
    {
        Step step = new([(6, 6)], 4, 2, 8, ElementType.F32, 0);
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
        Step alone = new([(11, 2)], 4, 2, 8, ElementType.F16, 5);
        Step moved = new([(11, 2)], 4, 2, 8, ElementType.F16, 5) { FirstPage = 7 };
        Step batched = new([(11, 2), (14, 3)], 4, 2, 8, ElementType.F16, 5);
        byte[] expected = Run(alone);
        Assert.Equal(expected, Run(moved));
        Assert.Equal(expected, Run(batched)[..expected.Length]);

        static byte[] Run(Step step) => Against.Cpu(Ir.Attention.Instance, step.Operands, step.Attributes, step.Bindings)[0].Data;
    }

    [Theory]
    [InlineData(3, 5, "q_seq 5 of token 0")]
    [InlineData(4, 6, "q_pos 6 of token 0")]
    [InlineData(4, -1, "q_pos -1 of token 0")]
    [InlineData(6, 60, "more than its 5 pages")]
    [InlineData(7, 12, "page 12 of sequence 0")]
    [InlineData(7, -3, "page -3 of sequence 0")]
    public void Attention_refuses_an_index_that_points_outside(int operand, int value, string expected)
    {
        Step step = new([(6, 1)], 2, 1, 4, ElementType.F32, 0);
        TestTensor[] operands = step.Operands;
        int[] values = operands[operand].Ints();
        values[operand == 6 ? 1 : 0] = value;
        operands[operand] = TestTensor.Of(values, [.. operands[operand].Dims]);
        StatusException e = Assert.Throws<StatusException>(() => Against.Cpu(Ir.Attention.Instance, operands, step.Attributes, step.Bindings));
        Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    /// <summary>A step over sequences of so many entries, of which the last few are this step's tokens.</summary>
    private sealed class Step((int Entries, int Tokens)[] sequences, int heads, int kvHeads, int length, ElementType type, long window)
    {
        /// <summary>Where the first sequence's pages begin; each entry's K and V stay the same wherever they lie.</summary>
        public int FirstPage { get; init; } = 2;

        public Attributes Attributes { get; } = new(("page", (long)Page), ("scale", 0.35), ("window", window));

        public Bindings Bindings { get; } = new(sequences.Sum(s => s.Tokens), sequences.Sum(s => s.Entries), sequences.Length, 1);

        public TestTensor[] Operands
        {
            get
            {
                int[] table = [.. sequences.SelectMany((_, b) => Enumerable.Range(0, Columns).Select(i => PageOf(b, i)))];
                (int Sequence, int Position)[] tokens = Positions(s => s.Entries - s.Tokens);
                (int Sequence, int Position)[] entries = Positions(_ => 0);
                TestTensor q = Data.Floats(1, tokens.Length, heads, length);
                return [
                    q with { Dims = [Dim.T, heads, length] }, State(2, entries), State(3, entries),
                    TestTensor.Of([.. tokens.Select(t => t.Sequence)], Dim.T), TestTensor.Of([.. tokens.Select(t => t.Position)], Dim.T),
                    TestTensor.Of(Starts(s => s.Tokens), Dim.BPlus1), TestTensor.Of(Starts(s => s.Entries), Dim.BPlus1),
                    TestTensor.Of(table, Dim.B, Columns), TestTensor.Of([.. entries.Select(Slot)], Dim.N),
                    TestTensor.Of([.. entries.Select(e => e.Sequence)], Dim.N), TestTensor.Of([.. entries.Select(e => e.Position)], Dim.N)];
            }
        }

        /// <summary>Pages run backwards, and later sequences fill what is left; columns that are not used name page 0.</summary>
        private int PageOf(int sequence, int column)
        {
            int before = sequences.Take(sequence).Sum(s => PagesFor(s.Entries)) + column;
            return column < PagesFor(sequences[sequence].Entries) ? (FirstPage + (Pages - before)) % Pages : 0;
        }

        private static int PagesFor(int entries) => (entries + Page - 1) / Page;

        private (int Sequence, int Position)[] Positions(Func<(int Entries, int Tokens), int> first) =>
            [.. sequences.SelectMany((s, b) => Enumerable.Range(first(s), s.Entries - first(s)).Select(p => (b, p)))];

        private int Slot((int Sequence, int Position) entry) =>
            (PageOf(entry.Sequence, entry.Position / Page) * Page) + (entry.Position % Page);

        private int[] Starts(Func<(int Entries, int Tokens), int> count) =>
            [0, .. sequences.Select((_, b) => sequences.Take(b + 1).Sum(count))];

        private TestTensor State(int seed, (int Sequence, int Position)[] entries)
        {
            int row = kvHeads * length;
            float[] values = new float[Pages * Page * row];
            foreach ((int sequence, int position) in entries)
            {
                Data.Floats((100 * seed) + (1000 * sequence) + position, row).Floats().CopyTo(values, Slot((sequence, position)) * row);
            }

            return TestTensor.Of(type, values, Pages * Page, kvHeads, length).AsState();
        }
    }
}
