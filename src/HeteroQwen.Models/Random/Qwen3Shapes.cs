using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>The eight sizes of Qwen3 as their configurations on the Hub have them.</summary>
internal static class Qwen3Shapes
{
    private static readonly ImmutableArray<(string Name, Qwen3Config Config)> s_shapes =
    [
        ("qwen3-0.6b", Dense(1024, 28, 16, 3072, tied: true)),
        ("qwen3-1.7b", Dense(2048, 28, 16, 6144, tied: true)),
        ("qwen3-4b", Dense(2560, 36, 32, 9728, tied: true)),
        ("qwen3-8b", Dense(4096, 36, 32, 12288, tied: false)),
        ("qwen3-14b", Dense(5120, 40, 40, 17408, tied: false)),
        ("qwen3-32b", Dense(5120, 64, 64, 25600, tied: false)),
        ("qwen3-30b-a3b", Sparse(2048, 48, 32, 768)),
        ("qwen3-235b-a22b", Sparse(4096, 94, 64, 1536)),
    ];

    public static IEnumerable<string> Names => s_shapes.Select(s => s.Name);

    /// <summary>The shape of this name; null if there is none.</summary>
    public static Qwen3Config? Find(string name) => s_shapes.FirstOrDefault(s => s.Name == name).Config;

    private static Qwen3Config Dense(int hidden, int layers, int heads, int ffn, bool tied) => new()
    {
        VocabSize = 151936,
        HiddenSize = hidden,
        Layers = layers,
        Heads = heads,
        KvHeads = 8,
        HeadDim = 128,
        FfnSize = ffn,
        TiedEmbeddings = tied,
        Rope = new RopeSettings(RopeType.Default, 1e6, 1, 40960),
        MaxPositions = 40960,
        Windows = [.. Enumerable.Repeat(0, layers)],
        SparseLayers = [.. Enumerable.Repeat(false, layers)],
        BosTokenId = 151643,
        EosTokenIds = [151645],
    };

    private static Qwen3Config Sparse(int hidden, int layers, int heads, int expertFfn) => Dense(hidden, layers, heads, 0, tied: false) with
    {
        KvHeads = 4,
        SparseLayers = [.. Enumerable.Repeat(true, layers)],
        Experts = 128,
        ExpertsPerToken = 8,
        ExpertFfnSize = expertFfn,
        NormTopKProb = true,
    };
}
