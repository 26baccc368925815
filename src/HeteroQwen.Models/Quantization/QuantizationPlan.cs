using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A tensor of the file that is to be written.</summary>
/// <param name="Name">The file's name of it.</param>
/// <param name="Source">The model's constant.</param>
/// <param name="Type">Its type in the file; that of the constant means a copy, byte for byte.</param>
/// <param name="Offset">Its first byte, counted from the first tensor.</param>
public sealed record PlannedTensor(string Name, ConstantData Source, ElementType Type, long Offset)
{
    public long Elements => Source.Shape.Aggregate(1L, (product, dim) => checked(product * dim));

    public long Bytes => Type.Bytes(Elements);

    public bool IsCopy => Type == Source.Type;
}

/// <summary>What a GGUF file of a model in other types will hold. Nothing of the weights is read to make it.</summary>
public sealed class QuantizationPlan
{
    /// <summary>Types by their names, and llama.cpp's number of each (general.file_type).</summary>
    private static readonly ImmutableArray<(string Name, uint FileType)> s_types =
        [("q8_0", 7), ("q4_0", 2), (WeightTypes.Mix, 15), ("q6_k", 18), ("bf16", 32), ("f16", 1), ("f32", 0)];

    /// <summary>Version of ggml's block formats (general.quantization_version).</summary>
    private const uint FormatVersion = 2;

    private readonly List<string> _notes = [];

    private QuantizationPlan(IModelSource model, string type, uint fileType)
    {
        ModelName = model.Name;
        Tensors = Plan(model, WeightTypes.Find(type, model.Config)!);
        List<(string, object)> metadata = GgufMetadata.Of(model, _notes);
        metadata.Add(("general.file_type", fileType));
        if (Tensors.Any(t => t.Type.IsQuantized()))
        {
            metadata.Add(("general.quantization_version", FormatVersion));
        }

        Header = GgufEncoder.Header(metadata, [.. Tensors.Select(t => new GgufTensorHead(t.Name, t.Type, t.Source.Shape, t.Offset))]);
    }

    /// <summary>The types that a model can be given.</summary>
    public static IReadOnlyList<string> Types { get; } = [.. s_types.Select(t => t.Name)];

    public string ModelName { get; }

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<PlannedTensor> Tensors { get; }

    /// <summary>Sentences about what the file cannot say, and tensors that get another type than asked for.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Size of the whole file.</summary>
    public long FileBytes => Header.Length + DataBytes;

    /// <summary>What stands before the first tensor.</summary>
    internal byte[] Header { get; }

    private long DataBytes => Tensors[^1].Offset + GgufEncoder.Padded(Tensors[^1].Bytes);

    /// <param name="model">The model, which stays open while the plan is used.</param>
    /// <param name="type">One of <see cref="Types"/>.</param>
    /// <exception cref="UserErrorException">There is no such type, or the model's tokenizer is damaged.</exception>
    public static QuantizationPlan Create(IModelSource model, string type)
    {
        ArgumentNullException.ThrowIfNull(model);
        return s_types.FirstOrDefault(t => t.Name == type) is { Name: not null } known
            ? new QuantizationPlan(model, known.Name, known.FileType)
            : throw new UserErrorException($"there is no type {Shown.Text(type)}; take one of {string.Join(", ", Types)}");
    }

    private ImmutableArray<PlannedTensor> Plan(IModelSource model, Func<string, int, ElementType> typeOf)
    {
        ImmutableArray<PlannedTensor>.Builder tensors = ImmutableArray.CreateBuilder<PlannedTensor>();
        List<string> requantised = [];
        Dictionary<(ElementType Asked, ElementType Given, long Row), List<string>> replaced = [];
        long offset = 0;
        foreach (string constant in model.Names)
        {
            ConstantData source = model.Get(constant);
            string name = GgufNames.Of(constant);
            ElementType asked = typeOf(constant, source.Shape.Length);
            ElementType given = Fitting(asked, source.Shape[^1]);
            PlannedTensor tensor = new(name, source, given, offset);
            tensors.Add(tensor);
            offset = checked(offset + GgufEncoder.Padded(tensor.Bytes));
            if (given != asked)
            {
                var key = (asked, given, source.Shape[^1]);
                replaced.TryAdd(key, []);
                replaced[key].Add(name);
            }

            if (source.Type.IsQuantized() && given != source.Type)
            {
                requantised.Add($"{name} ({source.Type.Name()})");
            }
        }

        foreach (((ElementType asked, ElementType given, long row), List<string> names) in replaced)
        {
            _notes.Add(
                $"rows of {row} are no whole blocks of {asked.Name()} ({asked.BlockElements()}), so these become {given.Name()}: {Some(names)}");
        }

        if (requantised.Count > 0)
        {
            _notes.Add($"what was quantised before loses again, and an unquantised model gives better weights: {Some(requantised)}");
        }

        return tensors.ToImmutable();
    }

    /// <summary>
    /// What llama.cpp takes where rows are no whole blocks of a type: q8_0 for q6_k, and f16 where there are no blocks of 32 either. For
    /// q4_k it takes q5_0, which is no type here; q8_0 is its neighbour.
    /// </summary>
    private static ElementType Fitting(ElementType asked, long row) =>
        row % asked.BlockElements() == 0 ? asked
        : row % ElementType.Q8_0.BlockElements() == 0 ? ElementType.Q8_0
        : ElementType.F16;

    private static string Some(List<string> names)
    {
        const int Most = 3;
        return string.Join(", ", names.Take(Most)) + (names.Count > Most ? $" and {names.Count - Most} more" : "");
    }
}
