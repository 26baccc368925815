using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class GeneratorTests : IDisposable
{
    private const string Name = "dense-tied-f32";
    private readonly GoldenLogits _golden = GoldenLogits.Load(Name);
    private readonly OpenModel _model = OpenModel.Golden(Name, Opened(context: 34));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Run_without_a_number_of_tokens_fills_the_context_and_says_so()
    {
        GenerationResult result = Run(new(_golden.Tokens));
        Assert.Equal(_golden.Greedy[..10], result.Ids);
        Assert.Equal((FinishReason.Context, 24), (result.FinishReason, result.PromptTokens));
        Assert.True(result.PrefillRate > 0 && result.DecodeRate > 0);
    }

    [Fact]
    public void Run_with_a_number_of_tokens_ends_with_length()
    {
        GenerationResult result = Run(new(_golden.Tokens) { MaxTokens = 10 });
        Assert.Equal((10, FinishReason.Length), (result.Ids.Count, result.FinishReason));
        Assert.Equal((0, FinishReason.Length), Ending(Run(new(_golden.Tokens) { MaxTokens = 0 })));
    }

    [Fact]
    public void Run_of_a_prompt_that_fills_the_context_gives_nothing_and_says_why()
    {
        int[] prompt = [.. _golden.Tokens, .. _golden.Greedy[..10]];
        Assert.Equal((0, FinishReason.Context), Ending(Run(new(prompt))));
    }

    [Fact]
    public void Run_stops_at_a_stop_token_of_either_file_and_keeps_it()
    {
        using TempFolder folder = TempFolder.CopyOf(Name);
        folder.Write("generation_config.json", $$"""{"eos_token_id": [{{_golden.Greedy[2]}}, 0]}""");
        using OpenModel model = new(folder.Path, Opened(context: 34));
        GenerationResult result = Generator.Run(model.Engine, new(_golden.Tokens), TestContext.Current.CancellationToken);
        Assert.Equal(_golden.Greedy[..3], result.Ids);
        Assert.Equal(FinishReason.Stop, result.FinishReason);
    }

    [Fact]
    public void Run_reports_each_token_and_its_margin_and_rms()
    {
        List<int> seen = [];
        GenerationResult result = Run(new(_golden.Tokens) { MaxTokens = 3, OnToken = seen.Add });
        Assert.Equal(result.Ids, seen);
        float[] sorted = [.. _model.Logits(_golden.Tokens)[^1].Order()];
        Assert.Equal(sorted[^1] - sorted[^2], result.Margins[0]);
        Assert.Equal(Math.Sqrt(sorted.Average(v => (double)v * v)), result.Rms[0], 1e-5);
        Assert.Equal((3, 3), (result.Margins.Count, result.Rms.Count));
    }

    [Fact]
    public void Run_that_is_cancelled_keeps_the_tokens_so_far()
    {
        using CancellationTokenSource source = new();
        List<int> seen = [];
        GenerationRequest request = new(_golden.Tokens)
        {
            OnToken = id =>
            {
                seen.Add(id);
                if (seen.Count == 2)
                {
                    source.Cancel();
                }
            },
        };
        IReadOnlyList<GenerationResult> results = Generator.RunAll(_model.Engine, [request, request], source.Token);
        Assert.All(results, r => Assert.Equal(FinishReason.Cancelled, r.FinishReason));
        Assert.Equal(_golden.Greedy[..2], results[0].Ids);
        Assert.Empty(results[1].Ids);
        Assert.Equal(_model.Engine.Pages, _model.Engine.FreePages);
    }

    [Fact]
    public void RunAll_of_more_prompts_than_the_pool_holds_gives_each_what_it_gets_alone()
    {
        Opening opening = Opened(context: 100) with { Rounds = true };
        using OpenModel several = OpenModel.Golden(Name, opening with { Options = opening.Options with { MaxSequences = 5 } });
        GenerationRequest Request(int i) => new(_golden.Tokens.AsMemory(i, 15)) { MaxTokens = 3 + i };
        GenerationRequest[] requests = [.. Enumerable.Range(0, 9).Select(Request)];
        IReadOnlyList<GenerationResult> together = Generator.RunAll(several.Engine, requests, TestContext.Current.CancellationToken);
        foreach ((GenerationRequest request, GenerationResult result) in requests.Zip(together))
        {
            Assert.Equal(Run(request).Ids, result.Ids);
        }
    }

    [Fact]
    public void Run_refuses_bad_prompts_in_one_sentence()
    {
        AssertRefused([], "no tokens");
        AssertRefused([1, 320], "320", "number 2 of 2", "0 to 319");
        AssertRefused([-1], "-1");
        AssertRefused([.. _golden.Tokens, .. _golden.Tokens], "48", "34", "-c", "4096");
        UserErrorException e = Assert.Throws<UserErrorException>(() => Run(new(_golden.Tokens) { MaxTokens = -1 }));
        Assert.Contains("-n", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Greedy_takes_the_lower_id_among_equals_and_the_distance_to_the_next()
    {
        Assert.Equal(new Choice(1, 0, 3), Greedy.Choose([-3, 3, 3]));
        Assert.Equal(new Choice(0, 1, MathF.Sqrt(2.5f)), Greedy.Choose([2, 1]));
        Assert.Equal(new Choice(0, 0, 7), Greedy.Choose([7]));
    }

    internal static Opening Opened(int context)
    {
        Opening opening = new("cpu");
        return opening with { Options = opening.Options with { Context = context } };
    }

    private static (int Tokens, FinishReason Reason) Ending(GenerationResult result) => (result.Ids.Count, result.FinishReason);

    private GenerationResult Run(GenerationRequest request) => Generator.Run(_model.Engine, request, TestContext.Current.CancellationToken);

    private void AssertRefused(int[] prompt, params string[] words)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => Run(new(prompt)));
        Assert.All(words, w => Assert.Contains(w, e.Message, StringComparison.Ordinal));
        Assert.Throws<UserErrorException>(() => _model.Logits(prompt));
    }
}
