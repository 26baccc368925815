using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class SeveralPromptsTests
{
    private const string Name = "dense-tied-f32";

    private static readonly int[] s_tokens = GoldenLogits.Load(Name).Tokens;

    /// <summary>Room for two prompts of 23 tokens with 3 of answer only if the two pages of their common beginning count once.</summary>
    private const int SixPages = 48;

    [Fact]
    public void Full_pages_of_a_common_beginning_are_run_once_and_counted_once()
    {
        using OpenModel model = Several(SixPages);
        List<(int Index, int FreePages)> seen = [];
        GenerationRequest[] requests = [.. Enumerable.Range(0, 3).Select(i => new GenerationRequest(Prompt(i))
        {
            MaxTokens = 3,
            OnToken = _ => seen.Add((i, model.Engine.FreePages)),
        })];
        IReadOnlyList<GenerationResult> together = Generator.RunAll(model.Engine, requests, TestContext.Current.CancellationToken);
        Assert.Equal([0, 1, 0, 1, 0, 1, 2, 2, 2], seen.Select(s => s.Index));
        Assert.Equal(0, seen[5].FreePages);
        Assert.Equal(2, seen[8].FreePages);
        Assert.All(together, r => Assert.Equal(16, r.ReusedTokens));
        Assert.Equal(model.Engine.Pages, model.Engine.FreePages);
        for (int i = 0; i < 3; i++)
        {
            GenerationRequest alone = new(Prompt(i)) { MaxTokens = 3 };
            Assert.Equal(Generator.Run(model.Engine, alone, TestContext.Current.CancellationToken).Ids, together[i].Ids);
        }
    }

    [Fact]
    public void Prompt_that_is_all_of_the_common_beginning_still_runs_a_token_of_its_own()
    {
        using OpenModel model = Several(context: 100);
        GenerationRequest[] requests = [new(s_tokens.AsMemory(0, 16)) { MaxTokens = 3 }, new(s_tokens.AsMemory(0, 20)) { MaxTokens = 3 }];
        IReadOnlyList<GenerationResult> together = Generator.RunAll(model.Engine, requests, TestContext.Current.CancellationToken);
        Assert.Equal([8, 8], together.Select(r => r.ReusedTokens));
        Assert.Equal(Generator.Run(model.Engine, requests[0], TestContext.Current.CancellationToken).Ids, together[0].Ids);
    }

    [Fact]
    public void Reading_a_long_prompt_does_not_stall_the_answers_of_others()
    {
        using OpenModel model = Several(context: 1200);
        int[] prompt = [.. Enumerable.Range(0, 1050).Select(i => (i * 7) % 300)];
        List<int> seen = [];
        Generator.RunAll(
            model.Engine,
            [
                new(s_tokens.AsMemory(0, 5)) { MaxTokens = 8, OnToken = _ => seen.Add(0) },
                new(prompt) { MaxTokens = 2, OnToken = _ => seen.Add(1) },
            ],
            TestContext.Current.CancellationToken);
        Assert.Equal([0, 0, 0, 1, 0, 1], seen[..6]);
    }

    [Fact]
    public void Each_answer_is_reported_when_it_is_complete()
    {
        using OpenModel model = Several(context: 100);
        List<int> ended = [];
        GenerationRequest Request(int most) => new(s_tokens.AsMemory(0, 5)) { MaxTokens = most, OnEnd = r => ended.Add(r.Ids.Count) };
        Generator.RunAll(model.Engine, [Request(4), Request(0), Request(2), Request(1)], TestContext.Current.CancellationToken);
        Assert.Equal([0, 1, 2, 4], ended);
    }

    [Fact]
    public void CheckFits_refuses_what_could_never_be_admitted()
    {
        using OpenModel model = Several(context: 30);
        Generator.CheckFits(model.Engine, new(s_tokens.AsMemory(0, 20)) { MaxTokens = 10 });
        Generator.CheckFits(model.Engine, new(s_tokens.AsMemory(0, 20)));
        GenerationRequest wrong = new(s_tokens.AsMemory(0, 20)) { MaxTokens = 11 };
        UserErrorException e = Assert.Throws<UserErrorException>(() => Generator.CheckFits(model.Engine, wrong));
        Assert.All(["20 tokens", "11", "-n", "holds 30", "-c"], w => Assert.Contains(w, e.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Eight_prompts_together_give_the_text_of_eight_single_runs(string name)
    {
        string[] questions =
        [
            "What is 47 + 85?", "日本的首都是哪里？", "Sort: 5 2 9 1", "Tell me a story about a kind panda named Tom.",
            "What is the capital of Italy?", "What is 12 + 30?", "中国的首都是哪里？", "Hello",
        ];
        Opening opening = new("cpu") { Threads = 2, Page = 128 };
        using OpenModel model = new(name, opening with { Options = opening.Options with { MaxSequences = 8 } });
        ModelText text = ModelSource.OpenText(name);
        GenerationRequest[] requests = [.. questions.Select(q => new GenerationRequest(
            text.Template.Render(new ChatRequest { Messages = [new(ChatRole.User, q)] }).Encode(text.RequireTokenizer()))
        {
            MaxTokens = 40,
        })];
        IReadOnlyList<GenerationResult> together = Generator.RunAll(model.Engine, requests, TestContext.Current.CancellationToken);
        foreach ((GenerationRequest request, GenerationResult result) in requests.Zip(together))
        {
            GenerationResult alone = Generator.Run(model.Engine, request, TestContext.Current.CancellationToken);
            int certain = alone.Margins.TakeWhile(m => m >= 0.001f).Count();
            Assert.Equal(alone.Ids.Take(certain), result.Ids.Take(certain));
        }
    }

    private static int[] Prompt(int i) => [.. s_tokens[..20], 40 + i, 50, 60];

    private static OpenModel Several(int context)
    {
        Opening opening = GeneratorTests.Opened(context);
        return OpenModel.Golden(Name, opening with { Options = opening.Options with { MaxSequences = 4 } });
    }
}
