namespace HeteroQwen.Cli.Bench;

/// <summary>One step of a test.</summary>
/// <param name="Position">KV entries that are there before it.</param>
/// <param name="Tokens">Tokens that it runs.</param>
/// <param name="WantsLogits">Whether those of its last token are computed.</param>
internal readonly record struct BenchStep(int Position, int Tokens, bool WantsLogits);

/// <summary>One test, as llama-bench has them: a prompt is read, or tokens are generated one by one, after so many KV entries.</summary>
/// <param name="Prompt">Tokens of the prompt; 0 if tokens are generated.</param>
/// <param name="Generated">Tokens generated; 0 if a prompt is read.</param>
/// <param name="Depth">KV entries that are there before.</param>
internal readonly record struct BenchTest(int Prompt, int Generated, int Depth)
{
    public int Tokens => Prompt + Generated;

    /// <summary>Such as <c>pp512</c> or <c>tg128 @ d2048</c>.</summary>
    public string Name => $"{(Prompt > 0 ? $"pp{Prompt}" : $"tg{Generated}")}{(Depth > 0 ? $" @ d{Depth}" : "")}";

    /// <summary>The cross product; numbers of 0 leave a kind of test out.</summary>
    public static IReadOnlyList<BenchTest> All(IReadOnlyList<int> prompts, IReadOnlyList<int> generated, IReadOnlyList<int> depths) =>
    [
        .. depths.SelectMany(depth => prompts.Where(p => p > 0).Select(p => new BenchTest(p, 0, depth))
            .Concat(generated.Where(n => n > 0).Select(n => new BenchTest(0, n, depth)))),
    ];

    /// <summary>The steps, as a run has them: a prompt in chunks, of which the last gives logits.</summary>
    /// <param name="largest">The most tokens of a step.</param>
    public IEnumerable<BenchStep> Steps(int largest) => Prompt > 0 ? Chunks(Depth, Prompt, largest) : Chunks(Depth, Generated, 1);

    /// <summary>The steps that fill the cache; logits are asked of the last so that it is waited for.</summary>
    public static IEnumerable<BenchStep> Chunks(int position, int tokens, int largest)
    {
        for (int done = 0; done < tokens;)
        {
            int count = Math.Min(largest, tokens - done);
            yield return new BenchStep(position + done, count, done + count == tokens || largest == 1);
            done += count;
        }
    }
}
