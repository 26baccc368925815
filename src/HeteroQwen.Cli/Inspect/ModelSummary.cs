using System.Globalization;
using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>What a model is, in a few numbers.</summary>
internal sealed class ModelSummary
{
    private static readonly ElementType[] s_kvTypes = [ElementType.F32, ElementType.F16];

    private readonly string _name;
    private readonly Qwen3Config _config;
    private readonly string _tokenizer;
    private readonly int? _tokens;
    private readonly string? _templateProblem;

    public ModelSummary(string name, IModelSource model)
    {
        (_name, _config) = (name, model.Config);
        Tensors = [.. model.Names.Select(n => (n, model.Get(n)))];
        _tokens = model.Text.Tokenizer?.VocabularySize;
        _tokenizer = _tokens is { } tokens ? $"{Units.Grouped(tokens)} tokens" : "none; prompts are ids (--tokens)";
        _templateProblem = model.Text.Template.Warning;
    }

    /// <summary>Every constant of the graph.</summary>
    public IReadOnlyList<(string Name, ConstantData Data)> Tensors { get; }

    private long Parameters => Tensors.Sum(t => t.Data.Shape.Aggregate(1L, (product, dim) => product * dim));

    private IEnumerable<(string Type, long Bytes)> WeightBytes =>
        Tensors.GroupBy(t => t.Data.Type).OrderBy(g => g.Key).Select(g => (g.Key.Name(), g.Sum(t => t.Data.Bytes)));

    /// <summary>Such as <c>Qwen3, 4 layers, 3.54 M parameters</c>.</summary>
    public string Headline =>
        $"{(_config.IsMoe ? "Qwen3 with experts" : "Qwen3")}, {_config.Layers} layers, {Units.Count(Parameters)} parameters";

    public void Write(Terminal terminal)
    {
        terminal.Out.WriteLine($"{VisibleText.OneLine(_name)}: {Headline}");
        terminal.Out.WriteLine();
        foreach ((string label, string value) in Lines())
        {
            terminal.Out.WriteLine($"  {label,-14}{VisibleText.OneLine(value)}");
        }
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("model", _name);
        json.WriteString("architecture", _config.IsMoe ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM");
        json.WriteNumber("parameters", Parameters);
        json.WriteNumber("layers", _config.Layers);
        json.WriteNumber("hidden", _config.HiddenSize);
        json.WriteNumber("heads", _config.Heads);
        json.WriteNumber("kv_heads", _config.KvHeads);
        json.WriteNumber("head_dim", _config.HeadDim);
        json.WriteNumber("ffn", _config.FfnSize);
        json.WriteNumber("experts", _config.Experts);
        json.WriteNumber("experts_per_token", _config.ExpertsPerToken);
        json.WriteNumber("expert_ffn", _config.ExpertFfnSize);
        json.WriteNumber("vocabulary", _config.VocabSize);
        json.WriteBoolean("tied_embeddings", _config.TiedEmbeddings);
        json.WriteNumber("context", _config.ContextLimit);
        json.WriteString("rope", _config.Rope.Type.ToString().ToLowerInvariant());
        WriteBytes(json, "weight_bytes", WeightBytes);
        WriteBytes(json, "kv_bytes_per_token", s_kvTypes.Select(t => (t.Name(), KvBytes(t))));
        json.WriteStartObject("tokenizer");
        if (_tokens is { } tokens)
        {
            json.WriteNumber("tokens", tokens);
        }
        else
        {
            json.WriteNull("tokens");
        }

        json.WriteBoolean("template_known", _templateProblem is null);
        json.WriteString("template_problem", _templateProblem);
        json.WriteEndObject();
    }

    private static void WriteBytes(Utf8JsonWriter json, string name, IEnumerable<(string Type, long Bytes)> values)
    {
        json.WriteStartObject(name);
        foreach ((string type, long bytes) in values)
        {
            json.WriteNumber(type, bytes);
        }

        json.WriteEndObject();
    }

    private IEnumerable<(string Label, string Value)> Lines()
    {
        Qwen3Config c = _config;
        int windowed = c.Windows.Count(w => w > 0);
        yield return ("parameters", $"{Units.Grouped(Parameters)}{(c.TiedEmbeddings ? ", the embedding also being the output" : "")}");
        string windows = windowed > 0 ? $", {windowed} with a window of {c.Windows.Max()}" : "";
        yield return ("layers", $"{c.Layers}{windows}, hidden size {c.HiddenSize}");
        string biases = c.AttentionBias ? ", with biases" : "";
        yield return ("attention", $"{c.Heads} heads of {c.HeadDim}, {c.KvHeads} for keys and values{biases}");
        int sparse = c.SparseLayers.Count(s => s);
        if (sparse > 0)
        {
            yield return ("experts", $"{c.Experts} of {c.ExpertFfnSize}, {c.ExpertsPerToken} for each token, in {sparse} layers");
        }

        if (sparse < c.Layers)
        {
            yield return ("ffn", $"{c.FfnSize}");
        }

        yield return ("vocabulary", Units.Grouped(c.VocabSize));
        string rope = $"{c.Rope.Type.ToString().ToLowerInvariant()} with theta {c.Rope.Theta.ToString("R", CultureInfo.InvariantCulture)}";
        yield return ("context", $"{Units.Grouped(c.ContextLimit)} tokens, rope {rope}");
        yield return ("weights", string.Join(", ", WeightBytes.Select(w => $"{w.Type} {Units.Bytes(w.Bytes)}")));
        yield return ("kv cache", string.Join(", ", s_kvTypes.Select(t => $"{Units.Grouped(KvBytes(t))} bytes a token in {t.Name()}")));
        yield return ("tokenizer", _tokenizer);
        yield return ("chat template", _templateProblem ?? "Qwen3's");
    }

    private long KvBytes(ElementType type) => checked(2L * _config.Layers * type.Bytes((long)_config.KvHeads * _config.HeadDim));
}
