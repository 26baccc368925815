using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>Checks of one golden model, all on its text of a few dozen tokens (or 1,500).</summary>
internal static class GoldenChecks
{
    /// <summary>Logits in one chunk, or in as few as the device's largest step allows.</summary>
    public static ModelFinding Logits(ModelRig rig, string name, ElementType? kv = null)
    {
        GoldenModel golden = GoldenModel.Load(name);
        ModelRun run = rig.Golden(name, golden.Tokens.Length, kv: kv);
        return AgainstTruth(rig, run, name, golden, run.Logits(golden.Tokens), "");
    }

    /// <summary>The whole text at once, in chunks of 7, and token by token: prefill is decode.</summary>
    public static ModelFinding Chunks(ModelRig rig, string name)
    {
        GoldenModel golden = GoldenModel.Load(name);
        ModelRun run = rig.Golden(name, golden.Tokens.Length);
        float[][] whole = run.Logits(golden.Tokens);
        List<ModelFinding> findings = [];
        foreach (int chunk in (int[])[7, 1])
        {
            string what = chunk == 1 ? "token by token: " : $"in chunks of {chunk}: ";
            float[][] logits = run.Logits(golden.Tokens, chunk);
            findings.Add(AgainstTruth(rig, run, name, golden, logits, what));
            findings.Add(SameBits(rig, whole, logits, what));
        }

        return ModelFinding.Worst(findings);
    }

    /// <summary>A text that crosses the end of a page, prefilled up to just before it and decoded from there, against one chunk.</summary>
    public static ModelFinding PageEdge(ModelRig rig, string name)
    {
        GoldenModel golden = GoldenModel.Load(name);
        int page = Math.Min(rig.Context.Device.Capabilities.PageSize, golden.Tokens.Length - 4);
        int[] tokens = golden.Tokens[..(page + 4)];
        ModelRun run = rig.Golden(name, tokens.Length);
        float[][] whole = Alone(rig, name, tokens);
        using Sequence sequence = run.Engine.NewSequence();
        List<float[]> rows = [];
        while (rows.Count < tokens.Length)
        {
            int most = Math.Min(run.Engine.MaxTokens, page - 2 - rows.Count);
            rows.AddRange(run.Step((sequence, tokens[rows.Count..(rows.Count + Math.Max(1, most))]))[0]);
        }

        return AgainstRun(rig, run, whole, [.. rows], "over the end of a page: ");
    }

    /// <summary>Two texts side by side, in chunks that differ: each as alone.</summary>
    public static ModelFinding Batch(ModelRig rig, string name)
    {
        GoldenModel golden = GoldenModel.Load(name);
        (int[] first, int[] second) = (golden.Tokens, golden.Whole[9..]);
        ModelRun run = rig.Golden(name, golden.Whole.Length, sequences: 2);
        (float[][] firstAlone, float[][] secondAlone) = (Alone(rig, name, first), Alone(rig, name, second));
        using Sequence a = run.Engine.NewSequence();
        using Sequence b = run.Engine.NewSequence();
        (List<float[]> rowsA, List<float[]> rowsB) = ([], []);
        for (int step = 1; a.Length < first.Length; step++)
        {
            float[][][] rows = run.Step(
                (a, first[a.Length..Math.Min(a.Length + step, first.Length)]), (b, second[b.Length..Math.Min(b.Length + 4, second.Length)]));
            rowsA.AddRange(rows[0]);
            rowsB.AddRange(rows[1]);
        }

        return ModelFinding.Worst(
        [
            AgainstTruth(rig, run, name, golden, [.. rowsA], "beside another text: "),
            AgainstRun(rig, run, firstAlone, [.. rowsA], "beside another text: "),
            AgainstRun(rig, run, secondAlone[..rowsB.Count], [.. rowsB], "beside another text: "),
        ]);
    }

    /// <summary>Two continuations of one prefix that share its entries, then each rolled back and continued with the other's text.</summary>
    public static ModelFinding ForkAndRollback(ModelRig rig, string name)
    {
        int[] text = GoldenModel.Load(name).Whole;
        (int[] prefix, int[] one, int[] other) = (text[..19], text[19..30], text[25..40]);
        ModelRun run = rig.Golden(name, text.Length, sequences: 2);
        float[][] expectedOne = Alone(rig, name, [.. prefix, .. one])[prefix.Length..];
        float[][] expectedOther = Alone(rig, name, [.. prefix, .. other])[prefix.Length..];
        using Sequence parent = run.Engine.NewSequence();
        run.Step((parent, prefix));
        using Sequence fork = parent.Fork();
        float[][][] both = run.Step((parent, one), (fork, other));
        fork.Truncate(prefix.Length);
        float[][] rolledOne = run.Step((fork, one))[0];
        parent.Truncate(prefix.Length);
        float[][] rolledOther = run.Step((parent, other))[0];
        return ModelFinding.Worst(
        [
            AgainstRun(rig, run, expectedOne, both[0], "with a shared prefix: "),
            AgainstRun(rig, run, expectedOther, both[1], "with a shared prefix: "),
            AgainstRun(rig, run, expectedOne, rolledOne, "after a rollback: "),
            AgainstRun(rig, run, expectedOther, rolledOther, "after a rollback: "),
        ]);
    }

    /// <summary>The text goes on as recorded, up to the first step whose two best tokens are too near to tell apart.</summary>
    public static ModelFinding Greedy(ModelRig rig, string name)
    {
        GoldenModel golden = GoldenModel.Load(name);
        ModelRun run = rig.Golden(name, golden.Whole.Length);
        GenerationResult result = Generator.Run(run.Engine, new GenerationRequest(golden.Tokens) { MaxTokens = golden.Greedy.Length });
        LogitsBound bound = LogitsBound.Rounded(rig.Context.Device.Capabilities, rig.Precision, run.Engine.KvType, run.Engine.Config.IsMoe);
        for (int i = 0; i < golden.Greedy.Length; i++)
        {
            int? id = i < result.Ids.Count ? result.Ids[i] : null;
            double least = rig.Precision == Precision.Exact ? SameText.ExactMargin : bound.Margin(id is null ? 0 : result.Rms[i]);
            if (id != golden.Greedy[i] && (id is null || result.Margins[i] > least))
            {
                return new(FormattableString.Invariant(
                    $"greedy token {i + 1} of {golden.Greedy.Length} is {id?.ToString() ?? "missing"}, not {golden.Greedy[i]}; margin {(id is null ? 0 : result.Margins[i]):g3}"));
            }

            if (id is null || result.Margins[i] <= least)
            {
                return i > 0 ? ModelFinding.Right : FirstTokens(run, golden, bound);
            }
        }

        return ModelFinding.Right;
    }

    /// <summary>
    /// For a device whose roundings blur the text's own continuation: what comes after its beginnings, where the truth keeps the best two
    /// tokens further apart.
    /// </summary>
    private static ModelFinding FirstTokens(ModelRun run, GoldenModel golden, LogitsBound bound)
    {
        bool any = false;
        foreach ((int i, double[] logits) in golden.Logits.Index())
        {
            int best = Array.IndexOf(logits, logits.Max());
            double margin = logits[best] - logits.Where((_, id) => id != best).Max();
            if (margin <= bound.Margin(Math.Sqrt(logits.Average(l => l * l))))
            {
                continue;
            }

            any = true;
            int place = golden.Rows[i];
            int id = Generator.Run(run.Engine, new GenerationRequest(golden.Tokens.AsMemory(0, place + 1)) { MaxTokens = 1 }).Ids[0];
            if (id != best)
            {
                return new(FormattableString.Invariant($"the token after the first {place + 1} of the text is {id}, not {best}; margin {margin:g3}"));
            }
        }

        return any ? ModelFinding.Right : new(null as string) { Mistrust = "no token is far enough from the second best to tell them apart" };
    }

    /// <summary>A sequence and a pool that are full say so, and nothing has changed by it.</summary>
    public static ModelFinding CacheFull(ModelRig rig, string name)
    {
        const int Limit = 32;
        int[] text = GoldenModel.Load(name).Whole;
        ModelRun run = rig.Open(ModelSource.Open(GoldenModel.PathOf(name)), Limit, sequences: 2);
        float[][] expected = Alone(rig, name, text[..Limit]);
        using Sequence sequence = run.Engine.NewSequence();
        using Sequence second = run.Engine.NewSequence();
        run.Step((sequence, text[..24]));
        if (!Refuses<UserErrorException>(() => run.Step((sequence, text[24..(Limit + 1)]))))
        {
            return new($"{Limit + 1} tokens were taken by a context of {Limit}");
        }

        if (!Refuses<PoolExhaustedException>(() => run.Step((second, text[..16]))))
        {
            return new($"{24 + 16} entries were taken by a cache of {Limit}");
        }

        return AgainstRun(rig, run, expected[24..], run.Step((sequence, text[24..Limit]))[0], "after the cache was full: ");
    }

    /// <summary>Logits of a text in a pool that nothing was written to before, so that what is stale cannot spoil the expectation.</summary>
    private static float[][] Alone(ModelRig rig, string name, int[] tokens) => rig.Golden(name, tokens.Length).Logits(tokens);

    /// <summary>Compares with another run of the same device, whose bits are the same where it is batch-invariant.</summary>
    internal static ModelFinding AgainstRun(ModelRig rig, ModelRun run, float[][] expected, float[][] got, string what)
    {
        double[][] truth = [.. expected.Select(r => Array.ConvertAll(r, v => (double)v))];
        LogitsVerdict verdict = LogitsJudge.Judge(truth, got, [.. Enumerable.Range(0, got.Length)], run.Bound(rig).BetweenRuns());
        return ModelFinding.Worst([ModelFinding.Of(verdict, what), SameBits(rig, expected, got, what)]);
    }

    private static ModelFinding AgainstTruth(ModelRig rig, ModelRun run, string name, GoldenModel golden, float[][] logits, string what) =>
        ModelFinding.Of(LogitsJudge.Judge(
            golden.Logits, [.. golden.Rows.Select(r => logits[r])], golden.Rows, run.Bound(rig, name == GoldenModel.OutlierName)), what);

    private static ModelFinding SameBits(ModelRig rig, float[][] expected, float[][] got, string what) =>
        new(rig.IsBatchInvariant && LogitsJudge.Differing(expected, got) is { } difference ? what + difference : null);

    private static bool Refuses<T>(Action step)
        where T : UserErrorException
    {
        try
        {
            step();
            return false;
        }
        catch (T)
        {
            return true;
        }
    }
}
