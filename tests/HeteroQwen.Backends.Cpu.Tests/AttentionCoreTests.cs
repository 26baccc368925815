using HeteroQwen.Backends.Cpu.Attention;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

/// <summary>Every width of vectors that the machine has, over sequences of several chunks.</summary>
public sealed unsafe class AttentionCoreTests
{
    private static readonly (int Entries, int Tokens)[] s_sequences = [(140, 140), (1, 1), (129, 2), (257, 9)];

    /// <summary>A tier of each width.</summary>
    public static TheoryData<string> Tiers => [.. CpuTiers.Here.DistinctBy(t => t.Width()).Select(t => t.Name())];

    public static TheoryData<string, ElementType, int, int, int, int> Shapes
    {
        get
        {
            TheoryData<string, ElementType, int, int, int, int> data = [];
            foreach (string tier in Tiers.Select(row => row.Data))
            {
                data.Add(tier, ElementType.F32, 0, 4, 2, 16);
                data.Add(tier, ElementType.F16, 140, 6, 2, 17);
                data.Add(tier, ElementType.BF16, 3, 5, 5, 70);
                data.Add(tier, ElementType.Q8_0, 0, 7, 1, 64);

                // Whole tiles of columns: few rows read these where they lie.
                data.Add(tier, ElementType.F16, 0, 4, 2, 64);
                data.Add(tier, ElementType.BF16, 140, 3, 1, 128);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Core_matches_the_reference(string tier, ElementType type, int window, int heads, int kvHeads, int length)
    {
        AttentionStep step = new(s_sequences, heads, kvHeads, length, type, window) { Page = 32, Columns = 10 };
        float[] expected = Against.Expected(Ir.Attention.Instance, step.Operands, step.Attributes, step.Bindings)[0].Floats();
        float[] found = Run(step, step.Operands, tier, 2, int.MaxValue);
        double rms = Math.Sqrt(expected.Average(e => (double)e * e));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (Math.Abs(pair.First) + rms)));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Core_gives_a_token_the_same_bits_whatever_the_step_and_the_number_of_threads(
        string tier, ElementType type, int window, int heads, int kvHeads, int length)
    {
        AttentionStep step = new(s_sequences, heads, kvHeads, length, type, window) { Page = 32, Columns = 10 };
        TestTensor[] operands = step.Operands;
        float[] expected = Run(step, operands, tier, 1, int.MaxValue);
        foreach ((int threads, int tokens) in ((int, int)[])[(5, int.MaxValue), (1, 1), (2, 1), (5, 1), (2, 7), (5, 90)])
        {
            float[] found = Run(step, operands, tier, threads, tokens);
            Assert.True(expected.AsSpan().SequenceEqual(found), $"other bits with {threads} threads, {tokens} tokens at a time");
        }
    }

    [Theory]
    [MemberData(nameof(Tiers))]
    public void Core_takes_nothing_from_entries_that_a_token_does_not_see(string tier)
    {
        AttentionStep step = new([(180, 180)], 4, 2, 16, ElementType.F32, 50) { Page = 32, Columns = 10 };
        TestTensor[] operands = step.Operands;
        int row = 16 * 4;
        float[] expected = Run(step, operands, tier, 2, int.MaxValue);

        // Position 150 lies in page 4, which stands backwards like all pages.
        int slot = (operands[7].Ints()[150 / 32] * 32) + (150 % 32);
        foreach (int state in (int[])[1, 2])
        {
            float[] values = operands[state].Floats();
            values.AsSpan(slot * 2 * 16, 2 * 16).Fill(float.NaN);
            operands[state] = TestTensor.Of(values, [.. operands[state].Dims]).AsState();
        }

        float[] found = Run(step, operands, tier, 2, int.MaxValue);
        Assert.Equal(expected[..(150 * row)], found[..(150 * row)]);
        Assert.All(found[(150 * row)..], f => Assert.True(float.IsNaN(f)));
    }

    /// <summary>Runs a step, so many of its tokens in a launch.</summary>
    private static float[] Run(AttentionStep step, TestTensor[] operands, string tier, int threads, int tokens)
    {
        (int heads, int length) = ((int)operands[0].Dims[1].Constant, (int)operands[0].Dims[2].Constant);
        AttentionShape shape = new(
            heads, (int)operands[1].Dims[1].Constant, length, operands[1].Element, step.Page, step.Columns,
            step.Attributes.Int64("window"), (float)step.Attributes.Float64("scale"));
        using WorkerPool pool = new(threads, smallestShare: 1) { Tier = CpuTiers.Here.First(t => t.Name() == tier) };
        AttentionCore core = new(shape, pool);
        pool.EnsureScratch(core.ScratchBytes);
        int all = (int)step.Bindings.T;
        float[] output = new float[all * heads * length];
        fixed (byte* q = operands[0].Data, k = operands[1].Data, v = operands[2].Data, table = operands[7].Data)
        fixed (int* qSeq = operands[3].Ints(), qPos = operands[4].Ints(), kvStart = operands[6].Ints())
        fixed (float* y = output)
        {
            AttentionArguments a = new()
            {
                Q = (float*)q, QTokenStride = heads * length, QHeadStride = length, QInnerStride = 1, K = k, V = v,
                Slots = operands[1].Dims[0].Constant, QSeq = qSeq, QPos = qPos, KvStart = kvStart, PageTable = (int*)table,
                Sequences = step.Bindings.B, Entries = step.Bindings.N, Output = y,
            };
            for (int t = 0; t < all; t += (int)a.Tokens)
            {
                a.Tokens = Math.Min(tokens, all - t);
                byte[] workspace = new byte[core.WorkspaceBytes(a.Tokens, a.Entries)];
                fixed (byte* w = workspace)
                {
                    Assert.True(core.Check(a).IsOk);
                    core.Run(a, w);
                }

                a.Q += a.Tokens * a.QTokenStride;
                a.Output += a.Tokens * a.QTokenStride;
                a.QSeq += a.Tokens;
                a.QPos += a.Tokens;
            }
        }

        return output;
    }
}
