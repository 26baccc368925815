using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>The ops that occur in lowerings of the eight Qwen3 models, taken from their graphs.</summary>
internal static class Qwen3Shapes
{
    /// <summary>Hidden size, heads, KV heads, ffn, tied embeddings, experts, expert ffn.</summary>
    private static readonly (string Name, int Hidden, int Heads, int KvHeads, int Ffn, bool Tied, int Experts, int ExpertFfn)[] s_models =
    [
        ("0.6b", 1024, 16, 8, 3072, true, 0, 0), ("1.7b", 2048, 16, 8, 6144, true, 0, 0), ("4b", 2560, 32, 8, 9728, true, 0, 0),
        ("8b", 4096, 32, 8, 12288, false, 0, 0), ("14b", 5120, 40, 8, 17408, false, 0, 0), ("32b", 5120, 64, 8, 25600, false, 0, 0),
        ("30b-a3b", 2048, 32, 4, 6144, false, 128, 768), ("235b-a22b", 4096, 64, 4, 12288, false, 128, 1536),
    ];

    /// <summary>Each op of each model once: blocks, what they open into, and what that opens into.</summary>
    public static IEnumerable<Occurrence> All(ElementType weights, ElementType state, int page)
    {
        Dictionary<string, Occurrence> found = [];
        foreach (var model in s_models)
        {
            Qwen3Config config = new()
            {
                VocabSize = 151936, HiddenSize = model.Hidden, Layers = 1, Heads = model.Heads, KvHeads = model.KvHeads, HeadDim = 128,
                FfnSize = model.Ffn, TiedEmbeddings = model.Tied, Rope = new RopeSettings(RopeType.Default, 1e6, 1, 40960), MaxPositions = 40960,
                Windows = [0], SparseLayers = [model.Experts > 0], Experts = model.Experts, ExpertsPerToken = 8, ExpertFfnSize = model.ExpertFfn,
                NormTopKProb = true,
            };

            // One layer stands for all; norms and biases are small and stay floats.
            Graph graph = Qwen3Graph.Build(config, name => name.Contains("norm", StringComparison.Ordinal) ? ElementType.F32 : weights,
                new KvLayout(state, 4L * page, page, 2));
            foreach (Operation operation in graph.Operations)
            {
                Visit(found, operation.Definition, [.. operation.Operands.Select(Use.Of)], operation.Attributes, model.Name, model.Experts > 0);
            }
        }

        return found.Values;
    }

    private static void Visit(
        Dictionary<string, Occurrence> found, OpDefinition op, ImmutableArray<Use> operands, Attributes attributes, string model, bool isMoe)
    {
        if (op.Class == OpClass.View)
        {
            return;
        }

        string key = $"{op.Name}({string.Join(", ", operands)}) {attributes}";
        if (found.TryGetValue(key, out Occurrence? known))
        {
            found[key] = known with { Dense = known.Dense || !isMoe, Moe = known.Moe || isMoe };
            return;
        }

        found.Add(key, new Occurrence(op, operands, attributes, model, !isMoe, isMoe));
        if (op.Class < OpClass.Inner)
        {
            return;
        }

        GraphBuilder aside = new("aside");
        ImmutableArray<Value> standIns = [.. operands.Select((o, i) => o.Role switch
        {
            TensorRole.Constant => aside.Constant($"o{i}", o.Type),
            TensorRole.State => aside.State($"o{i}", o.Type),
            _ => aside.Input($"o{i}", o.Type),
        })];
        op.Decompose(aside, standIns, attributes);
        foreach (Operation inner in aside.Build().Operations)
        {
            Visit(found, inner.Definition, [.. inner.Operands.Select(Use.Of)], inner.Attributes, model, isMoe);
        }
    }
}

/// <summary>An op as a model uses it.</summary>
/// <param name="Op">The op.</param>
/// <param name="Operands">Its operands.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Model">The first model that has it.</param>
/// <param name="Dense">A dense model has it.</param>
/// <param name="Moe">A model with experts has it.</param>
internal sealed record Occurrence(OpDefinition Op, ImmutableArray<Use> Operands, Attributes Attributes, string Model, bool Dense, bool Moe);

/// <summary>Type and role of an operand.</summary>
internal readonly record struct Use(TensorType Type, TensorRole Role)
{
    public static Use Of(Value value)
    {
        Value root = value;
        while (root.Producer?.Definition is Reshape)
        {
            root = root.Producer.Operands[0];
        }

        return new(value.Type, root.State is not null ? TensorRole.State
            : root.Kind == ValueKind.Constant ? TensorRole.Constant
            : root.Kind == ValueKind.Input ? TensorRole.Input
            : TensorRole.Result);
    }
}
