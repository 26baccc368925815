using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// A model as Hugging Face stores it: a folder with <c>config.json</c>, perhaps <c>generation_config.json</c>, and
/// safetensors in one file or in shards. Checked whole when opened.
/// </summary>
public sealed class HuggingFaceFolder : IModelSource
{
    private readonly SafetensorsSet _files;
    private readonly Dictionary<string, ConstantData> _constants = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private readonly string _folder;
    private bool _disposed;

    private HuggingFaceFolder(string folder)
    {
        _folder = folder;
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        Config = Qwen3Config.Load(Path.Combine(folder, "config.json"), _warnings);
        Generation = GenerationConfig.Load(Path.Combine(folder, "generation_config.json"), Config, _warnings);
        Text = ModelText.OfFolder(folder);
        _files = SafetensorsSet.Open(folder);
    }

    public string Name { get; }

    public Qwen3Config Config { get; }

    public GenerationConfig Generation { get; }

    public ModelText Text { get; }

    public IReadOnlyCollection<string> Names => _constants.Keys;

    public IReadOnlyList<string> Warnings => _warnings;

    /// <exception cref="UserErrorException">Something in the folder is missing or wrong; the sentence says what.</exception>
    public static HuggingFaceFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserErrorException($"{folder}: no such folder; check the model's path");
        }

        HuggingFaceFolder model = new(folder);
        try
        {
            foreach ((string name, ImmutableArray<long> shape) in Qwen3Tensors.Expected(model.Config))
            {
                model._constants.Add(name, shape.Length == 3 ? model.Experts(name, shape) : model.Single(name, shape));
            }

            model.ReportUnused();
            return model;
        }
        catch
        {
            model.Dispose();
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

    public long Release(string constantName) => Get(constantName).Ranges.Sum(_files.Release);

    public void Dispose()
    {
        _disposed = true;
        _files.Dispose();
    }

    private ConstantData Single(string name, ImmutableArray<long> shape)
    {
        (SafetensorsFile file, SafetensorsTensor tensor, ElementType type) = Find(name, shape);
        return new ConstantData($"{InputFile.Canonical(file.Path)}#{name}", type, shape, [file.Range(tensor)]);
    }

    /// <summary>Joins the tensors <c>...experts.0.up_proj.weight</c>, <c>...experts.1.up_proj.weight</c>, ... on axis 0.</summary>
    private ConstantData Experts(string name, ImmutableArray<long> shape)
    {
        const string Marker = ".experts.";
        int at = name.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
        ImmutableArray<long> one = shape.RemoveAt(0);
        ImmutableArray<ByteRange>.Builder ranges = ImmutableArray.CreateBuilder<ByteRange>();
        ElementType? common = null;
        for (int e = 0; e < shape[0]; e++)
        {
            (SafetensorsFile file, SafetensorsTensor tensor, ElementType type) = Find($"{name[..at]}{e}.{name[at..]}", one);
            if (type != (common ??= type))
            {
                throw new UserErrorException(
                    $"{file.Path}: tensor {tensor.Name} is {type.Name()}, but the experts before it are {common.Value.Name()}; "
                    + "convert the model anew with one type for all experts");
            }

            ranges.Add(file.Range(tensor));
        }

        return new ConstantData($"{InputFile.Canonical(_folder)}#{name}", common!.Value, shape, ranges.ToImmutable());
    }

    private (SafetensorsFile File, SafetensorsTensor Tensor, ElementType Type) Find(string name, ImmutableArray<long> shape)
    {
        if (!_files.Tensors.TryGetValue(name, out (SafetensorsFile File, SafetensorsTensor Tensor) found))
        {
            throw new UserErrorException(
                $"{_files.Source}: tensor {name} of shape {Shown.Shape(shape)} is missing; "
                + "check that config.json belongs to these weights, or download them again");
        }

        if (!found.Tensor.Shape.AsSpan().SequenceEqual(shape.AsSpan()))
        {
            throw new UserErrorException(
                $"{found.File.Path}: tensor {name} has the shape {Shown.Shape(found.Tensor.Shape)}, but config.json asks for "
                + $"{Shown.Shape(shape)}; check that both belong to one model");
        }

        ElementType type = SafetensorsTypes.Weight(found.Tensor.Type) ?? throw new UserErrorException(
            $"{found.File.Path}: tensor {name} is {found.Tensor.Type}, but weights must be F32, F16 or BF16; "
            + "convert the model to one of these");
        _used.Add(name);
        return (found.File, found.Tensor, type);
    }

    private void ReportUnused()
    {
        // A tied model's own lm_head is never read, and inv_freq is computed.
        bool Harmless(string name) =>
            name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (name == Qwen3Tensors.LmHead && Config.TiedEmbeddings);
        IEnumerable<string> present = _files.Tensors.Keys.Concat(_files.Unlisted);
        string[] unused = [.. present.Where(n => !_used.Contains(n) && !Harmless(n)).Order(StringComparer.Ordinal)];
        if (unused.Length > 0)
        {
            string more = unused.Length > 3 ? $" and {unused.Length - 3} more" : "";
            _warnings.Add($"{_files.Source}: the model does not use {string.Join(", ", unused.Take(3).Select(Shown.Text))}{more}");
        }
    }
}
