using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Conformance;

namespace HeteroQwen.Cli.Tests;

public sealed class MutantRunTests
{
    private static readonly string s_mutants = Path.Combine(AppContext.BaseDirectory, "plugins", "HeteroQwen.Mutants.dll");

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public void Mutants_are_killed_by_their_ops_cases_and_seen_to_have_fired()
    {
        string[] names = ["product-drops-last-term", "top-k-last-twice", "copy-drops-odd-bytes", "crashes-on-odd-rows"];
        ImmutableArray<MutantInfo> mutants = [.. MutantInfo.Of(PluginLoader.Load(s_mutants), s_mutants).Where(m => names.Contains(m.Name))];
        List<string> told = [];
        ImmutableArray<MutantOutcome> outcomes = new MutantRun(Worker, s_limit).Run(
            mutants, m => told.Add(m.Name), TestContext.Current.CancellationToken);
        Assert.Equal(names.Order(), told.Order());
        Assert.All(outcomes, o => Assert.True(o.Fired, o.Name));
        string[] killers = [.. outcomes.Select(o => string.Join('/', (o.KilledBy ?? "none").Split('/').Take(2)))];
        Assert.Equal(["op/linear", "op/top_k", "runtime/buffer", "op/linear"], killers);
    }

    [Fact]
    public void Mutant_is_tried_on_its_ops_cases_and_on_those_of_the_runtime_if_it_is_one_of_it()
    {
        MutantInfo mutant = new(0, "product-drops-last-term", "arithmetic", ["top_k"], "Tried on cases of another op.");
        MutantInfo narrow = mutant with { Ops = ["silu"] };
        Assert.True(mutant.IsTriedOn(new CaseInfo("op/top_k/x", CaseKind.Op, "top_k", Precision.Exact, true, true)));
        Assert.False(narrow.IsTriedOn(new CaseInfo("op/top_k/x", CaseKind.Op, "top_k", Precision.Exact, true, true)));
        Assert.False(narrow.IsTriedOn(new CaseInfo("runtime/x", CaseKind.Runtime, null, null, true, true)));
        Assert.True((narrow with { Category = "runtime" }).IsTriedOn(new CaseInfo("runtime/x", CaseKind.Runtime, null, null, true, true)));
    }

    [Fact]
    public void Mutants_need_their_assembly()
    {
        HeteroQwenProcess.Run("conform", "--mutants").MustRefuse(2, "--mutants", "--plugin PATH/HeteroQwen.Mutants.dll");
        string toys = s_mutants.Replace("Mutants", "ToyBackends", StringComparison.Ordinal);
        HeteroQwenProcess.Run("conform", "--mutants", "--plugin", toys).MustRefuse(2, toys, "no mutants");
    }

    private static WorkerCommand Worker(MutantInfo? mutant) => new(
        Path.Combine(AppContext.BaseDirectory, "heteroqwen"),
        [
            "conform-worker",
            .. mutant is null ? (string[])["-b", "cpu"] : ["--plugin", s_mutants, "-b", $"{MutantInfo.Backend}:{mutant.Index}"],
        ]);
}
