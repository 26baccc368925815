using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>An attention block with weights of one type, on steps of any shape: a token's row of x depends on its sequence and position.</summary>
internal sealed class AttentionBlockStep(ElementType weights, ElementType state, int hidden, int heads, int kvHeads, int headDim, bool biases)
{
    public const int KState = 10, VState = 11, WriteSlot = 12;

    public long Window { get; init; }

    public static Attributes Attributes(AttentionStep step) =>
        new([.. step.Attributes.Select(a => (a.Key, a.Value)), ("eps", 1e-6)]);

    public AttentionStep Step(params (int Entries, int Tokens)[] sequences) => new(sequences, heads, kvHeads, headDim, state, Window) { Columns = 12 };

    /// <summary>The block's operands, the pools as they are before the step.</summary>
    public TestTensor[] Operands(AttentionStep step, TestTensor? k = null, TestTensor? v = null)
    {
        TestTensor[] attention = step.Operands;
        float[] x = [.. step.Tokens.SelectMany(t => Data.Floats((50 * t.Sequence) + t.Position, hidden).Floats())];
        (TestTensor cos, TestTensor sin) = Angles(step);
        TestTensor[] vectors = biases
            ? [Bias(21, heads * headDim), Bias(22, kvHeads * headDim), Bias(23, kvHeads * headDim), Bias(24, hidden)]
            : [];
        return
        [
            TestTensor.Of(x, Dim.T, hidden), Data.Norm(2, hidden),
            Data.Weight(3, weights, heads * headDim, hidden), Data.Weight(4, weights, kvHeads * headDim, hidden),
            Data.Weight(5, weights, kvHeads * headDim, hidden), Data.Weight(6, weights, hidden, heads * headDim),
            Data.Norm(7, headDim), Data.Norm(8, headDim), cos, sin, k ?? attention[1], v ?? attention[2],
            TestTensor.Of(step.WriteSlots, Dim.T), .. attention[3..], .. vectors,
        ];
    }

    private static TestTensor Bias(int seed, int length) => Data.Floats(seed, length).AsConstant();

    private (TestTensor Cos, TestTensor Sin) Angles(AttentionStep step)
    {
        double[] angles = [.. step.Tokens.SelectMany(t => Enumerable.Range(0, headDim)
            .Select(i => t.Position * Math.Pow(1e4, -2.0 * (i % (headDim / 2)) / headDim)))];
        return (
            TestTensor.Of([.. angles.Select(a => (float)Math.Cos(a))], Dim.T, headDim),
            TestTensor.Of([.. angles.Select(a => (float)Math.Sin(a))], Dim.T, headDim));
    }
}
