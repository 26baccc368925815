using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class GeneratorSamplingTests
{
    private const string Name = "dense-tied-f32";

    private static readonly SamplingOptions s_options = new()
    {
        Temperature = 1.3, TopK = 60, TopP = 0.98, MinP = 0.001, RepetitionPenalty = 1.1, PresencePenalty = 0.2, FrequencyPenalty = 0.1,
    };

    private readonly GoldenLogits _golden = GoldenLogits.Load(Name);

    [Fact]
    public void Same_seed_gives_the_same_text_alone_in_batches_and_with_any_number_of_threads()
    {
        IReadOnlyList<int>[] expected;
        using (OpenModel model = Open(threads: 1, sequences: 1))
        {
            expected = [.. Requests().Select(r => Run(model, r)[0].Ids)];
            Assert.Equal(expected, Requests().Select(r => Run(model, r)[0].Ids));
        }

        Assert.Equal(expected.Length, expected.Select(ids => string.Join(',', ids)).Distinct().Count());
        foreach (int threads in (int[])[1, 2, 5])
        {
            using OpenModel model = Open(threads, sequences: 4);
            Assert.Equal(expected, Run(model, Requests()).Select(r => r.Ids));
            Assert.Equal(expected.Reverse(), Run(model, [.. Requests().Reverse()]).Select(r => r.Ids));
        }
    }

    [Fact]
    public void Another_seed_and_another_sequence_give_other_texts()
    {
        using OpenModel model = Open(threads: 1, sequences: 1);
        SamplingOptions[] options = [s_options, s_options with { Seed = 1 }, s_options with { Sequence = 1 }];
        IEnumerable<string> texts = options.Select(o => string.Join(',', Run(model, Request(0) with { Sampling = o })[0].Ids));
        Assert.Equal(3, texts.Distinct().Count());
    }

    [Fact]
    public void Temperature_of_zero_is_greedy_and_margins_are_those_of_the_raw_logits()
    {
        using OpenModel model = Open(threads: 1, sequences: 1);
        GenerationResult plain = Run(model, Request(0) with { Sampling = null })[0];
        GenerationResult cold = Run(model, Request(0) with { Sampling = new() { TopK = 5, TopP = 0.5, Seed = 4 } })[0];
        Assert.Equal(plain.Ids, cold.Ids);
        Assert.Equal(plain.Margins.Concat(plain.Rms), cold.Margins.Concat(cold.Rms));

        int forced = (plain.Ids[0] + 1) % 320;
        SamplingOptions bias = new() { LogitBias = new Dictionary<int, double> { [forced] = 100 } };
        GenerationResult biased = Run(model, Request(0) with { Sampling = bias })[0];
        Assert.All(biased.Ids, id => Assert.Equal(forced, id));
        Assert.Equal((plain.Margins[0], plain.Rms[0]), (biased.Margins[0], biased.Rms[0]));
    }

    [Fact]
    public void Wrong_options_are_refused_before_anything_runs()
    {
        using OpenModel model = Open(threads: 1, sequences: 1);
        GenerationRequest wrong = Request(0) with { Sampling = new() { LogitBias = new Dictionary<int, double> { [320] = 1 } } };
        GenerationRequest first = Request(0) with { OnToken = _ => Assert.Fail("ran") };
        string message = Assert.Throws<UserErrorException>(() => Run(model, first, wrong)).Message;
        Assert.Contains("token 320", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Stop_string_ends_the_answer_with_the_ids_as_generated()
    {
        Opening opening = GeneratorTests.Opened(context: 200);
        using OpenModel model = new("tiny", opening with { Options = opening.Options with { MaxSequences = 2 } });
        QwenTokenizer tokenizer = ModelSource.OpenText("tiny").RequireTokenizer();
        int[] prompt = tokenizer.Encode(
            "<|im_start|>user\nWhat is the capital of Italy?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
            allowSpecial: true);
        GenerationResult whole = Run(model, new GenerationRequest(prompt))[0];
        string text = tokenizer.Decode(whole.Ids);
        Assert.Equal("The capital of Italy is Rome.<|im_end|>", text);

        List<string> parts = [];
        AnswerText stopped = new(tokenizer, ["of France", "Italy is"], (part, _) => parts.Add(part));
        AnswerText free = new(tokenizer, ["Rome!"]);
        IReadOnlyList<GenerationResult> results = Run(
            model, new GenerationRequest(prompt) { Text = stopped }, new GenerationRequest(prompt) { Text = free });
        Assert.Equal(("The capital of ", FinishReason.Stop), (stopped.ToString(), results[0].FinishReason));
        Assert.Equal("The capital of ", string.Concat(parts));
        Assert.Equal(whole.Ids.Take(results[0].Ids.Count), results[0].Ids);
        Assert.EndsWith("Italy is", tokenizer.Decode(results[0].Ids), StringComparison.Ordinal);
        Assert.Equal((text, FinishReason.Stop), (free.ToString(), results[1].FinishReason));
    }

    [Fact]
    public void Text_that_was_held_back_comes_when_the_answer_ends_otherwise()
    {
        Opening opening = GeneratorTests.Opened(context: 200);
        using OpenModel model = new("tiny", opening);
        QwenTokenizer tokenizer = ModelSource.OpenText("tiny").RequireTokenizer();
        int[] prompt = tokenizer.Encode("Once upon", allowSpecial: false);
        string[] stops = [tokenizer.Decode(Run(model, new GenerationRequest(prompt) { MaxTokens = 3 })[0].Ids) + "never"];
        AnswerText answer = new(tokenizer, stops);
        GenerationResult result = Run(model, new GenerationRequest(prompt) { MaxTokens = 3, Text = answer })[0];
        Assert.Equal(FinishReason.Length, result.FinishReason);
        Assert.Equal(tokenizer.Decode(result.Ids), answer.ToString());
    }

    [Fact]
    public void Greedy_choice_leaves_out_what_is_minus_infinity_and_stays_finite()
    {
        const float Never = float.NegativeInfinity;
        Assert.Equal(new Choice(2, 1, MathF.Sqrt(12.5f)), Greedy.Choose([Never, 3, 4, Never]));
        Assert.Equal(new Choice(1, float.MaxValue, 2), Greedy.Choose([Never, 2, Never]));
        Assert.Equal(new Choice(0, float.MaxValue, 2), Greedy.Choose([2, Never]));
        Assert.All((float[][])[[1, float.NaN], [float.NaN, 1], [1, float.PositiveInfinity], [Never, Never]],
            row => Assert.False(float.IsFinite(Greedy.Choose(row).Rms)));
    }

    private GenerationRequest[] Requests() => [.. Enumerable.Range(0, 6).Select(Request)];

    /// <summary>Two requests of each three share a prompt and differ in the seed alone.</summary>
    private GenerationRequest Request(int i) =>
        new(_golden.Tokens.AsMemory(i / 3, 12)) { MaxTokens = 14, Sampling = s_options with { Seed = 100 + i } };

    private static OpenModel Open(int threads, int sequences)
    {
        Opening opening = GeneratorTests.Opened(context: 100) with { Threads = threads, Rounds = sequences > 1 };
        return OpenModel.Golden(Name, opening with { Options = opening.Options with { MaxSequences = sequences } });
    }

    private static IReadOnlyList<GenerationResult> Run(OpenModel model, params GenerationRequest[] requests) =>
        Generator.RunAll(model.Engine, requests, TestContext.Current.CancellationToken);
}
