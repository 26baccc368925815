using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class CachedTextTests : IDisposable
{
    private const string Name = "dense-tied-f32";
    private readonly int[] _tokens = GoldenLogits.Load(Name).Tokens;
    private readonly OpenModel _model = OpenModel.Golden(Name, GeneratorTests.Opened(context: 40));
    private readonly CachedText _text;

    public CachedTextTests() => _text = new CachedText(_model.Engine);

    public void Dispose()
    {
        _text.Dispose();
        Assert.Equal(_model.Engine.Pages, _model.Engine.FreePages);
        _model.Dispose();
    }

    [Fact]
    public void Continue_reads_only_what_follows_the_common_beginning_and_answers_as_from_nothing()
    {
        GenerationResult first = Continue(_tokens[..12], 5);
        Assert.Equal((0, 16), (first.ReusedTokens, _text.Length));

        // Prompt and answer, less its last token, which was not run.
        int[] longer = [.. _tokens[..12], .. first.Ids, .. _tokens[3..6]];
        Assert.Equal(16, Continue(longer, 4).ReusedTokens);
        int[] edited = [.. longer[..14], 7, 8];
        Assert.Equal(14, Continue(edited, 6).ReusedTokens);
        Assert.Equal(15, Continue(edited, 6).ReusedTokens);
        Assert.Equal(0, Continue([9, .. edited], 2).ReusedTokens);
    }

    [Fact]
    public void Continue_after_a_cancellation_and_after_a_refusal_goes_on_from_what_was_run()
    {
        using CancellationTokenSource source = new();
        GenerationRequest request = new(_tokens.AsMemory(0, 12)) { OnToken = _ => source.Cancel() };
        Assert.Equal(FinishReason.Cancelled, _text.Continue(request, source.Token).FinishReason);
        Assert.Throws<UserErrorException>(() => Continue([.. _tokens, .. _tokens], 1));
        Assert.Throws<InvalidOperationException>(() => _text.Continue(new(_tokens.AsMemory(0, 14))
        {
            OnToken = _ => throw new InvalidOperationException(),
        }, TestContext.Current.CancellationToken));
        Assert.Equal(14, Continue(_tokens[..20], 3).ReusedTokens);
    }

    /// <summary>The answer, which must be that of a run without cache.</summary>
    private GenerationResult Continue(int[] prompt, int most)
    {
        GenerationRequest request = new(prompt) { MaxTokens = most };
        GenerationResult result = _text.Continue(request, TestContext.Current.CancellationToken);
        using OpenModel other = OpenModel.Golden(Name, GeneratorTests.Opened(context: 40));
        Assert.Equal(Generator.Run(other.Engine, request, TestContext.Current.CancellationToken).Ids, result.Ids);
        return result;
    }
}
