using System.Collections.Immutable;

namespace HeteroQwen.Models;

/// <summary>
/// Shape and settings of a Qwen3 model, dense or with experts. Every number is checked: products of sizes fit in a
/// <see cref="long"/>, and no size is larger than the limits that <see cref="Load"/> names when it refuses one.
/// </summary>
public sealed record Qwen3Config
{
    /// <summary>The longest context that is accepted, in tokens.</summary>
    public const int MaxContext = 1 << 24;

    public required int VocabSize { get; init; }

    public required int HiddenSize { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    /// <summary>Divides <see cref="Heads"/>.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Even; heads x head dim need not be the hidden size.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Width of a dense layer's FFN; 0 where every layer is sparse and the file names none.</summary>
    public required int FfnSize { get; init; }

    public double RmsNormEps { get; init; } = 1e-6;

    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether the q, k, v and o projections have biases.</summary>
    public bool AttentionBias { get; init; }

    public required RopeSettings Rope { get; init; }

    /// <summary><c>max_position_embeddings</c>; what the model can use is <see cref="ContextLimit"/>.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Per layer: 0 where attention sees all entries, else a token sees an entry iff q - k is below the window.</summary>
    public required ImmutableArray<int> Windows { get; init; }

    /// <summary>Per layer: whether its FFN is a mixture of experts.</summary>
    public required ImmutableArray<bool> SparseLayers { get; init; }

    /// <summary>Experts of a sparse layer; 0 in a dense model.</summary>
    public int Experts { get; init; }

    /// <summary>Experts that a token uses.</summary>
    public int ExpertsPerToken { get; init; }

    /// <summary>Width of one expert.</summary>
    public int ExpertFfnSize { get; init; }

    /// <summary>Whether the chosen experts' weights are divided by their sum.</summary>
    public bool NormTopKProb { get; init; }

    /// <summary>Tokens that end the answer; may be empty.</summary>
    public ImmutableArray<int> EosTokenIds { get; init; } = [];

    public int? BosTokenId { get; init; }

    public bool IsMoe => Experts > 0;

    /// <summary>The larger of <see cref="MaxPositions"/> and the rotary embedding's factor x original context.</summary>
    public int ContextLimit =>
        Rope.Type == RopeType.Default ? MaxPositions : Math.Max(MaxPositions, (int)(Rope.Factor * Rope.OriginalContext));

    /// <summary>
    /// Reads <c>config.json</c> as the models on the Hub have it or as transformers 5 writes it.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="warnings">Gets a sentence for each key that is not known.</param>
    /// <exception cref="HeteroQwen.Ir.UserErrorException">The file is missing or malformed, or describes what is not supported.</exception>
    public static Qwen3Config Load(string path, ICollection<string>? warnings = null) =>
        Qwen3ConfigReader.Read(JsonFields.Load(path), warnings);
}
