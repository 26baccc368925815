using HeteroQwen.Backends;
using HeteroQwen.Cli.Bench;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli.Tests;

/// <summary>What is counted as work, and what rates and percentages come of it.</summary>
public sealed class BenchWorkTests
{
    private const int Depth = 100;

    [Fact]
    public void Decode_reads_every_weight_once_and_the_entries_that_it_sees()
    {
        using IModelSource model = ModelSource.Open("tiny");
        Qwen3Config c = model.Config;
        Work work = Work.Of(GraphOf(model), new BenchTest(0, 1, Depth), 512);

        // The embedding is the output too; of it the token's row is read once more.
        double weights = model.Names.Sum(n => model.Get(n).Bytes) + ElementType.BF16.Bytes(c.HiddenSize);
        double entries = 2.0 * c.Layers * (Depth + 1) * ElementType.F16.Bytes((long)c.KvHeads * c.HeadDim);
        Assert.Equal(weights + entries, work.Bytes);

        double matrices = model.Names.Select(model.Get).Where(w => w.Shape.Length == 2).Sum(w => (double)w.Shape[0] * w.Shape[1]);
        double attention = 4.0 * c.Layers * (Depth + 1) * c.Heads * c.HeadDim;
        Assert.Equal((2 * matrices) + attention, work.Operations, 0.002 * work.Operations);
    }

    [Fact]
    public void Decode_reads_the_chosen_experts_alone()
    {
        using IModelSource model = ModelSource.Open("tiny-moe");
        Work work = Work.Of(GraphOf(model), new BenchTest(0, 1, 0), 512);
        double Bytes(int rank) => model.Names.Select(model.Get).Where(w => rank == 3 == (w.Shape.Length == 3)).Sum(w => w.Bytes);
        double entries = 2.0 * model.Config.Layers * ElementType.F16.Bytes((long)model.Config.KvHeads * model.Config.HeadDim);
        double row = ElementType.BF16.Bytes(model.Config.HiddenSize);
        double share = (double)model.Config.ExpertsPerToken / model.Config.Experts;
        Assert.Equal(Bytes(2) + (share * Bytes(3)) + row + entries, work.Bytes);
        Assert.Equal(Bytes(2) + Bytes(3) + (64 * row) + (64 * entries), Work.Of(GraphOf(model), new BenchTest(64, 0, 0), 512).Bytes);
    }

    [Fact]
    public void Prefill_reads_the_output_once_and_the_layers_with_every_chunk()
    {
        using IModelSource model = ModelSource.Open("tiny");
        Graph graph = GraphOf(model);
        double embedding = model.Get("model.embed_tokens.weight").Bytes;
        double row = ElementType.BF16.Bytes(model.Config.HiddenSize);
        double entry = 2.0 * model.Config.Layers * ElementType.F16.Bytes((long)model.Config.KvHeads * model.Config.HeadDim);
        double finalNorm = model.Get("model.norm.weight").Bytes;
        double layers = model.Names.Sum(n => model.Get(n).Bytes) - embedding - finalNorm;
        Work work = Work.Of(graph, new BenchTest(10, 0, 0), 4);
        Assert.Equal((3 * layers) + embedding + finalNorm + (10 * row) + ((4 + 8 + 10) * entry), work.Bytes);
        Work whole = Work.Of(graph, new BenchTest(10, 0, 0), 512);
        Assert.Equal(whole.Operations, work.Operations, 0.01 * whole.Operations);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(100, 1, 0)]
    [InlineData(0, 512, 0)]
    [InlineData(7, 30, 12)]
    [InlineData(20, 30, 12)]
    [InlineData(0, 30, 40)]
    public void EntriesSeen_is_the_average_over_the_tokens(int position, int tokens, int window)
    {
        double average = Enumerable.Range(1, tokens).Average(i => window == 0 ? position + i : Math.Min(position + i, window));
        long seen = Work.EntriesSeen(new BenchStep(position, tokens, true), window);
        Assert.InRange(seen - average, -0.5, 0.5);
    }

    [Fact]
    public void Steps_of_a_prompt_are_chunks_of_which_the_last_gives_logits()
    {
        Assert.Equal(
            [new BenchStep(5, 4, false), new BenchStep(9, 4, false), new BenchStep(13, 2, true)], new BenchTest(10, 0, 5).Steps(4));
        Assert.Equal([new BenchStep(5, 1, true), new BenchStep(6, 1, true)], new BenchTest(0, 2, 5).Steps(4));
    }

    [Fact]
    public void Rates_percentages_and_bound_follow_from_times_and_work()
    {
        BenchModel model = new("m.gguf", "m.gguf", "qwen3", "q8_0", 1000, 900);
        BenchSetup setup = new(model, "a processor", "cpu", "cpu:0", null, 2, "fast", ElementType.F16, 512);
        BenchTest test = new(0, 4, 0);
        Roof roof = Roof.Of(new Peaks(20e9, "unit", 100e9));
        BenchRow row = new(setup, test, default, [1_000_000_000, 2_000_000_000], new Work(40e9, 10e9), roof);
        Assert.Equal([4, 2], row.Rates);
        Assert.Equal((3, 7.5e9, 30e9), (row.Rate, row.BytesPerSecond, row.OperationsPerSecond));
        Assert.Equal(Math.Sqrt(2), BenchRow.Deviation(row.Rates), 12);
        Assert.Equal((37.5, "memory"), row.Nearest);
        Assert.Equal((90, "compute"), roof.Nearest(2e9, 90e9));
    }

    [Fact]
    public void Limit_of_a_device_that_is_none_counts_as_not_said()
    {
        Assert.Equal(new Roof(null, null, null), Roof.Of(null));
        Assert.Equal(new Roof(null, null, null), Roof.Of(default(Peaks)));
        Assert.Equal(new Roof(null, null, null), Roof.Of(new Peaks(double.NaN, "unit", double.PositiveInfinity)));
        Assert.Equal(new Roof(null, null, null), Roof.Of(new Peaks(-1, "unit", -1)));
        Assert.Null(Roof.Of(new Peaks(1, "unit", 0)).Nearest(1, 1));
        Assert.Equal(new Roof(3, "unit", 2), Roof.Of(new Peaks(3, "unit", 0)).Or(Roof.Of(new Peaks(1, "unit", 2))));
    }

    private static Graph GraphOf(IModelSource model) => new ModelGraph(model, ModelGraph.UsualPage, ElementType.F16).Graph;
}
