using HeteroQwen.Ir;

namespace HeteroQwen.Models.Tests;

public sealed class Qwen3GraphTests
{
    private static readonly KvLayout s_kv = new(ElementType.F32, Slots: 96, Page: 32, Pages: 2);

    [Theory]
    [InlineData("dense-tied-f32")]
    [InlineData("dense-untied-f32-sharded")]
    [InlineData("moe-f32")]
    [InlineData("moe-mixed-f32")]
    public void Build_of_each_kind_of_model_verifies_and_names_every_constant_once(string model)
    {
        Qwen3Config config = ConfigFile.Read(model);
        Graph graph = Build(config);
        Verifier.Verify(graph);
        Assert.Equal(Qwen3Tensors.Expected(config).Select(t => t.Name).Order(), graph.Constants.Select(c => c.Name).Order());
        Assert.Equal(2 * config.Layers, graph.States.Length);
        Assert.Equal(new TensorType(ElementType.F32, Dim.R, config.VocabSize), Assert.Single(graph.Outputs).Value.Type);
    }

    [Fact]
    public void Build_emits_one_block_for_attention_and_one_for_the_ffn_of_each_layer()
    {
        Qwen3Config config = ConfigFile.Read("moe-mixed-f32");
        string[] blocks = [.. Build(config).Operations.Where(o => o.Definition.Class == OpClass.Block).Select(o => o.Definition.Name)];
        string[] Layer(bool sparse) => ["attention_block", sparse ? "moe_block" : "ffn_block"];
        string[] expected = [.. config.SparseLayers.SelectMany(Layer)];
        Assert.Equal(expected, blocks);
        Assert.Contains("ffn_block", blocks);
        Assert.Contains("moe_block", blocks);
    }

    [Fact]
    public void Build_gives_each_layer_its_window_and_the_scale_of_its_head()
    {
        Qwen3Config config = ConfigFile.Read(
            ConfigFile.Dense, ("use_sliding_window", "true"), ("sliding_window", "7"), ("max_window_layers", "1"));
        IEnumerable<Operation> blocks = Build(config).Operations.Where(o => o.Definition == AttentionBlock.Instance);
        Attributes[] attention = [.. blocks.Select(o => o.Attributes)];
        Assert.Equal(config.Windows.Select(w => (long)w), attention.Select(a => a.Int64("window")));
        Assert.Contains(7, attention.Select(a => a.Int64("window")));
        Assert.All(attention, a => Assert.Equal(1 / Math.Sqrt(config.HeadDim), a.Float64("scale")));
    }

    [Fact]
    public void Build_of_a_model_with_attention_bias_hands_the_biases_to_the_block()
    {
        Graph graph = Build(ConfigFile.Read(ConfigFile.Dense, ("attention_bias", "true")));
        Verifier.Verify(graph);
        Operation block = graph.Operations.First(o => o.Definition == AttentionBlock.Instance);
        Assert.Equal("qkvo".Select(p => Qwen3Tensors.Layer(0, $"self_attn.{p}_proj.bias")), block.Operands.TakeLast(4).Select(o => o.Name));
    }

    [Fact]
    public void Build_of_a_tied_model_reads_the_embedding_twice()
    {
        Graph graph = Build(ConfigFile.Read(ConfigFile.Dense));
        Assert.Equal(2, graph.Operations.Count(o => o.Operands.Any(v => v.Name == Qwen3Tensors.Embedding)));
    }

    [Fact]
    public void Build_prints_as_text_that_names_values_by_layer_and_parses_back()
    {
        string text = GraphPrinter.Print(Build(ConfigFile.Read(ConfigFile.Dense)));
        Assert.Contains("%layers.0.attn.x, %layers.0.attn.k, %layers.0.attn.v = attention_block(", text, StringComparison.Ordinal);
        Assert.Contains("%layers.1.ffn.x = ffn_block(\n      %layers.1.attn.x, ", text, StringComparison.Ordinal);
        Assert.Contains("%logits", text, StringComparison.Ordinal);
        Assert.Equal(text, GraphPrinter.Print(GraphParser.Parse(text)));
    }

    private static Graph Build(Qwen3Config config) => Qwen3Graph.Build(config, _ => ElementType.F32, s_kv);
}
