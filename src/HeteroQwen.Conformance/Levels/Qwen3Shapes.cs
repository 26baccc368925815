using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>The eight Qwen3 models.</summary>
public static class Qwen3Shapes
{
    private const int HeadDim = 128;
    private const int Vocabulary = 151936;
    private const int Context = 40960;

    /// <summary>Name, hidden size, heads, KV heads, FFN (of one expert where there are experts), tied embeddings, experts.</summary>
    private static readonly (string Name, int Hidden, int Heads, int KvHeads, int Ffn, bool Tied, int Experts)[] s_all =
    [
        ("0.6b", 1024, 16, 8, 3072, true, 0),
        ("1.7b", 2048, 16, 8, 6144, true, 0),
        ("4b", 2560, 32, 8, 9728, true, 0),
        ("8b", 4096, 32, 8, 12288, false, 0),
        ("14b", 5120, 40, 8, 17408, false, 0),
        ("32b", 5120, 64, 8, 25600, false, 0),
        ("30b-a3b", 2048, 32, 4, 768, false, 128),
        ("235b-a22b", 4096, 64, 4, 1536, false, 128),
    ];

    /// <summary>The models of a family, with so many layers.</summary>
    public static IEnumerable<Qwen3Config> Of(ModelFamily family, int layers) =>
        from shape in s_all
        where shape.Experts > 0 == (family == ModelFamily.Moe)
        select new Qwen3Config
        {
            VocabSize = Vocabulary,
            HiddenSize = shape.Hidden,
            Layers = layers,
            Heads = shape.Heads,
            KvHeads = shape.KvHeads,
            HeadDim = HeadDim,
            FfnSize = shape.Experts > 0 ? 0 : shape.Ffn,
            TiedEmbeddings = shape.Tied,
            Rope = new RopeSettings(RopeType.Default, 1e6, 1, Context),
            MaxPositions = Context,
            Windows = [.. Enumerable.Repeat(0, layers)],
            SparseLayers = [.. Enumerable.Repeat(shape.Experts > 0, layers)],
            Experts = shape.Experts,
            ExpertsPerToken = shape.Experts > 0 ? 8 : 0,
            ExpertFfnSize = shape.Experts > 0 ? shape.Ffn : 0,
            NormTopKProb = shape.Experts > 0,
        };
}
