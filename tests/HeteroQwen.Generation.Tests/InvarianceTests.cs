using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

/// <summary>
/// A text's logits do not depend on chunks, on other sequences, on padding, on pages or on threads. Both backends declare themselves
/// batch-invariant, so this means bit for bit.
/// </summary>
public sealed class InvarianceTests
{
    private static readonly string[] s_models = ["dense-tied-f32", "moe-bf16"];

    public static MatrixTheoryData<string, string> Models => new(Opening.Backends, s_models);

    [Theory]
    [MemberData(nameof(Models))]
    public void Prefill_in_one_chunk_in_several_and_token_by_token_gives_the_same_bits(string backend, string name)
    {
        int[] tokens = Tokens(name);
        using OpenModel model = OpenModel.Golden(name, new(backend));
        float[][] whole = model.Logits(tokens);
        OpenModel.AssertSameBits(whole, model.Logits(tokens, chunk: 7));
        OpenModel.AssertSameBits(whole, model.Logits(tokens, chunk: 1));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Two_sequences_in_one_step_give_the_bits_of_each_alone(string backend, string name)
    {
        int[] tokens = Tokens(name);
        (int[] first, int[] second) = (tokens[..21], tokens[9..]);
        using OpenModel alone = OpenModel.Golden(name, new(backend));
        using OpenModel model = OpenModel.Golden(name, Several(backend, rounds: false));
        AssertSameTogether(model, first, second, alone.Logits(first), alone.Logits(second));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Padded_steps_give_the_bits_of_steps_without_padding(string backend, string name)
    {
        int[] tokens = Tokens(name);
        (int[] first, int[] second) = (tokens[..21], tokens[9..]);
        using OpenModel alone = OpenModel.Golden(name, new(backend));
        using OpenModel padded = OpenModel.Golden(name, Several(backend, rounds: true));
        AssertSameTogether(padded, first, second, alone.Logits(first), alone.Logits(second));
        float[][] whole = alone.Logits(tokens);
        OpenModel.AssertSameBits(whole, padded.Logits(tokens, chunk: 5));
        OpenModel.AssertSameBits(whole, padded.Logits(tokens, chunk: 1));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Forks_and_rollback_give_the_bits_of_a_fresh_text(string backend, string name)
    {
        int[] tokens = Tokens(name);
        (int[] prefix, int[] one, int[] other) = (tokens[..19], tokens[19..30], tokens[25..40]);
        using OpenModel fresh = OpenModel.Golden(name, new(backend));
        float[][] expectedOne = fresh.Logits([.. prefix, .. one])[prefix.Length..];
        float[][] expectedOther = fresh.Logits([.. prefix, .. other])[prefix.Length..];

        using OpenModel model = OpenModel.Golden(name, Several(backend, rounds: false));
        using Sequence parent = model.Engine.NewSequence();
        model.Step((parent, prefix));
        using Sequence fork = parent.Fork();
        float[][][] both = model.Step((parent, one), (fork, other));
        OpenModel.AssertSameBits(expectedOne, both[0]);
        OpenModel.AssertSameBits(expectedOther, both[1]);

        fork.Truncate(prefix.Length);
        OpenModel.AssertSameBits(expectedOne, model.Step((fork, one))[0]);
        parent.Truncate(prefix.Length);
        OpenModel.AssertSameBits(expectedOther, model.Step((parent, other))[0]);
    }

    [Theory]
    [InlineData("dense-tied-f32")]
    [InlineData("moe-bf16")]
    public void Any_number_of_threads_gives_the_same_bits(string name)
    {
        int[] tokens = Tokens(name);
        using OpenModel one = OpenModel.Golden(name, new("cpu"));
        float[][] expected = one.Logits(tokens);
        foreach (int threads in (int[])[2, 5])
        {
            using OpenModel several = OpenModel.Golden(name, new("cpu") { Threads = threads });
            OpenModel.AssertSameBits(expected, several.Logits(tokens));
            OpenModel.AssertSameBits(expected, several.Logits(tokens, chunk: 1));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_size_of_a_page_does_not_matter(string backend, string name)
    {
        int[] tokens = Tokens(name);
        using OpenModel small = OpenModel.Golden(name, new(backend) { Page = 3 });
        using OpenModel large = OpenModel.Golden(name, new(backend) { Page = 128 });
        OpenModel.AssertSameBits(large.Logits(tokens), small.Logits(tokens));
    }

    private static Opening Several(string backend, bool rounds)
    {
        Opening one = new(backend) { Rounds = rounds };
        return one with { Options = one.Options with { MaxSequences = 2 } };
    }

    /// <summary>Runs two texts side by side, in chunks that differ in size, and compares with each alone.</summary>
    private static void AssertSameTogether(OpenModel model, int[] first, int[] second, float[][] firstAlone, float[][] secondAlone)
    {
        using Sequence a = model.Engine.NewSequence();
        using Sequence b = model.Engine.NewSequence();
        List<float[]> rowsA = [];
        List<float[]> rowsB = [];
        int step = 1;
        while (a.Length < first.Length)
        {
            int[] nextA = first[a.Length..Math.Min(a.Length + step, first.Length)];
            int[] nextB = second[b.Length..Math.Min(b.Length + 4, second.Length)];
            float[][][] rows = model.Step((a, nextA), (b, nextB));
            rowsA.AddRange(rows[0]);
            rowsB.AddRange(rows[1]);
            step++;
        }

        OpenModel.AssertSameBits(firstAlone, [.. rowsA]);
        OpenModel.AssertSameBits(secondAlone[..rowsB.Count], [.. rowsB]);
    }

    /// <summary>40 tokens: the golden text and its continuation.</summary>
    private static int[] Tokens(string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        return [.. golden.Tokens, .. golden.Greedy];
    }
}
