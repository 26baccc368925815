using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A Qwen3 of any size without a download: <c>random:qwen3-0.6b[:TYPE]</c>, bf16 unless TYPE says otherwise. Its weights are made
/// from a seed when a device asks for them (norms 1 +- 0.1, all others 0 +- 0.02), the same on every machine; its tokenizer and
/// template are Qwen3's. It talks nonsense at the speed of the real one.
/// </summary>
public sealed class RandomModel : IModelSource
{
    private const string Prefix = "random:";
    private const string DefaultTypes = "bf16";
    private const double NormDeviation = 0.1;
    private const double Deviation = 0.02;

    private readonly Dictionary<string, ConstantData> _constants = new(StringComparer.Ordinal);

    internal RandomModel(string name, Qwen3Config config, string types)
    {
        (Name, Config) = (name, config);
        Generation = new GenerationConfig { EosTokenIds = config.EosTokenIds };
        Func<string, int, ElementType> typeOf = WeightTypes.Find(types, config)
            ?? throw new UserErrorException(
                $"{Shown.Text(name)}: there is no type {Shown.Text(types)}; take one of {string.Join(", ", WeightTypes.Names)}");
        foreach ((string constant, ImmutableArray<long> shape) in Qwen3Tensors.Expected(config))
        {
            bool norm = constant.EndsWith("norm.weight", StringComparison.Ordinal);
            ConstantGenerator generator = new(Seed(constant), norm ? 1 : 0, norm ? NormDeviation : Deviation);
            _constants.Add(constant, ConstantData.Generated($"{name}#{constant}", typeOf(constant, shape.Length), shape, generator));
        }
    }

    /// <summary>Such as <c>random:qwen3-0.6b:bf16</c>.</summary>
    public string Name { get; }

    public Qwen3Config Config { get; }

    /// <summary>Greedy: there is nobody whose taste it could be.</summary>
    public GenerationConfig Generation { get; }

    public ModelText Text => Qwen3Text;

    public IReadOnlyCollection<string> Names => _constants.Keys;

    public IReadOnlyList<string> Warnings => [];

    /// <summary>Qwen3's own tokenizer and template.</summary>
    internal static ModelText Qwen3Text { get; } =
        new("qwen3", () => QwenTokenizer.Load(BundledModels.Qwen3TokenizerPath), () => ChatTemplate.Load(BundledModels.PathOf("tiny")));

    /// <summary>Whether a name is one of a random model, be it right or wrong.</summary>
    internal static bool IsNamed(string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.StartsWith(Prefix, StringComparison.Ordinal);
    }

    /// <summary>Opens <c>random:SHAPE[:TYPE]</c>. Nothing is allocated for its weights.</summary>
    /// <exception cref="UserErrorException">There is no such shape or type; the sentence lists those that there are.</exception>
    public static RandomModel Open(string model)
    {
        string rest = IsNamed(model) ? model[Prefix.Length..] : model;
        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        (string shape, string types) = colon < 0 ? (rest, DefaultTypes) : (rest[..colon], rest[(colon + 1)..]);
        Qwen3Config config = Qwen3Shapes.Find(shape) ?? throw new UserErrorException(
            $"{Shown.Text(model)}: there is no shape {Shown.Text(shape)}; take one of {string.Join(", ", Qwen3Shapes.Names)}");
        return new RandomModel($"{Prefix}{shape}:{types}", config, types);
    }

    public ConstantData Get(string constantName) => _constants.TryGetValue(constantName, out ConstantData? data)
        ? data
        : throw new ArgumentException($"the model has no constant {constantName}", nameof(constantName));

    public long Release(string constantName) => 0;

    public void Dispose()
    {
        // The memory of the weights is the devices'.
    }

    /// <summary>64-bit FNV-1a of the name, which is the same everywhere.</summary>
    private static ulong Seed(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (char c in name)
        {
            hash = (hash ^ c) * 0x100000001B3;
        }

        return hash;
    }
}
