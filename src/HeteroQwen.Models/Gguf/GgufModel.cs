using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A model in a GGUF file as llama.cpp writes it: Qwen3, dense or with experts. Checked whole when opened.</summary>
public sealed class GgufModel : IModelSource
{
    private readonly GgufFile _file;
    private readonly Dictionary<string, ConstantData> _constants = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private bool _disposed;

    private GgufModel(GgufFile file)
    {
        _file = file;
        Name = Path.GetFileName(file.Path);
        Config = GgufConfigReader.Read(file, _warnings);
        Generation = GgufGeneration.Read(file, Config, _warnings);
        Text = TextOf(file);
        string identity = InputFile.Canonical(file.Path);
        HashSet<string> used = new(StringComparer.Ordinal);
        foreach ((string name, ImmutableArray<long> shape) in Qwen3Tensors.Expected(Config))
        {
            string tensor = GgufNames.Of(name);
            used.Add(tensor);
            _constants.Add(name, Constant($"{identity}#{name}", tensor, shape));
        }

        CheckExperts();
        ReportUnused(used);
    }

    public string Name { get; }

    public Qwen3Config Config { get; }

    public GenerationConfig Generation { get; }

    public ModelText Text { get; }

    public IReadOnlyCollection<string> Names => _constants.Keys;

    public IReadOnlyList<string> Warnings => _warnings;

    /// <exception cref="UserErrorException">The file is damaged, or its model is not supported; the sentence says what.</exception>
    public static GgufModel Open(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new GgufModel(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public ConstantData Get(string constantName)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _constants.TryGetValue(constantName, out ConstantData? data)
            ? data
            : throw new ArgumentException($"the model has no constant {constantName}", nameof(constantName));
    }

    public long Release(string constantName) => Get(constantName).Ranges.Sum(_file.Release);

    public void Dispose()
    {
        _disposed = true;
        Text.EndReading();
        _file.Dispose();
    }

    internal static ModelText TextOf(GgufFile file)
    {
        const string Template = "chat_template";
        GgufFields fields = new(file, "tokenizer.");
        return new ModelText(
            file.Path,
            () => GgufTokenizer.Read(file),
            () => ChatTemplate.FromText(fields.TextOrNull(Template), $"{file.Path} (tokenizer.{Template})"));
    }

    private ConstantData Constant(string identity, string name, ImmutableArray<long> shape)
    {
        IEnumerable<long> dims = shape.Reverse();
        if (!_file.Tensors.TryGetValue(name, out GgufTensor? tensor))
        {
            throw new UserErrorException(
                $"{_file.Path}: tensor {name} of dims {Shown.Shape(dims)} is missing; download the file again or convert the model anew");
        }

        // Dims of 1 at the end are as good as none: ggml itself knows four dims always.
        if (!Padded(tensor.Dims).SequenceEqual(Padded(dims)))
        {
            throw new UserErrorException(
                $"{_file.Path}: tensor {name} has the dims {Shown.Shape(tensor.Dims)}, but the metadata ask for {Shown.Shape(dims)}; "
                + "convert the model anew");
        }

        ElementType type = tensor.Element ?? throw new UserErrorException(
            $"{_file.Path}: tensor {name} is {tensor.Type}, which is not supported ({GgmlTypes.Supported} are); "
            + "quantise the model to one of these");
        if (shape.Length == 1 && !type.IsFloat())
        {
            throw new UserErrorException(
                $"{_file.Path}: tensor {name} is {tensor.Type}, but a vector must be f32, f16 or bf16; convert the model anew");
        }

        return new ConstantData(identity, type, shape, [_file.Range(tensor)]);
    }

    private static IEnumerable<long> Padded(IEnumerable<long> dims) => dims.Concat([1, 1, 1]).Take(4);

    /// <summary>Gate and up of the experts go through one kernel, which knows one type.</summary>
    private void CheckExperts()
    {
        foreach (int layer in Enumerable.Range(0, Config.Layers).Where(i => Config.SparseLayers[i]))
        {
            string gateName = Qwen3Tensors.Layer(layer, "mlp.experts.gate_proj.weight");
            string upName = Qwen3Tensors.Layer(layer, "mlp.experts.up_proj.weight");
            (ElementType gate, ElementType up) = (_constants[gateName].Type, _constants[upName].Type);
            if (gate != up)
            {
                throw new UserErrorException(
                    $"{_file.Path}: tensor {GgufNames.Of(gateName)} is {gate.Name()}, but {GgufNames.Of(upName)} is {up.Name()}; "
                    + "quantise both to one type");
            }
        }
    }

    private void ReportUnused(HashSet<string> used)
    {
        string[] unused = [.. _file.Tensors.Keys.Where(n => !used.Contains(n)).Order(StringComparer.Ordinal)];
        if (unused.Length > 0)
        {
            string more = unused.Length > 3 ? $" and {unused.Length - 3} more" : "";
            _warnings.Add($"{_file.Path}: the model does not use {string.Join(", ", unused.Take(3).Select(Shown.Text))}{more}");
        }
    }
}
