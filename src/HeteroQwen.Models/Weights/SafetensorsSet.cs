using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The weights of a folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c> lists.</summary>
internal sealed class SafetensorsSet : IDisposable
{
    private const long MaxIndexBytes = 100_000_000;
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsTensor Tensor)> _tensors = new(StringComparer.Ordinal);

    private SafetensorsSet(string source) => Source = source;

    /// <summary>The file that says which tensors there are: the single file, or the index.</summary>
    public string Source { get; }

    public IReadOnlyDictionary<string, (SafetensorsFile File, SafetensorsTensor Tensor)> Tensors => _tensors;

    /// <summary>Tensors that a shard holds and the index does not put there.</summary>
    public IEnumerable<string> Unlisted =>
        _files.SelectMany(f => f.Tensors.Keys.Where(n => !_tensors.TryGetValue(n, out var listed) || listed.File != f));

    public static SafetensorsSet Open(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        string index = Path.Combine(folder, "model.safetensors.index.json");
        bool sharded = !File.Exists(single) && File.Exists(index);
        if (!sharded && !File.Exists(single))
        {
            throw new UserErrorException(
                $"{folder}: holds neither model.safetensors nor model.safetensors.index.json; download the weights as safetensors");
        }

        SafetensorsSet set = new(sharded ? index : single);
        try
        {
            if (sharded)
            {
                set.OpenShards(folder);
            }
            else
            {
                SafetensorsFile file = set.Add(single);
                foreach (SafetensorsTensor tensor in file.Tensors.Values)
                {
                    set._tensors.Add(tensor.Name, (file, tensor));
                }
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    public long Release(ByteRange range) => _files.Sum(f => f.Release(range));

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private void OpenShards(string folder)
    {
        Dictionary<string, SafetensorsFile> shards = new(StringComparer.Ordinal);
        foreach ((string tensor, string shard) in ReadIndex())
        {
            if (!shards.TryGetValue(shard, out SafetensorsFile? file))
            {
                shards.Add(shard, file = OpenShard(folder, tensor, shard));
            }

            if (!file.Tensors.TryGetValue(tensor, out SafetensorsTensor? found))
            {
                throw new UserErrorException(
                    $"{Source}: puts tensor {Shown.Text(tensor)} into {Shown.Text(shard)}, which does not hold it; download both again");
            }

            _tensors.Add(tensor, (file, found));
        }
    }

    private SafetensorsFile OpenShard(string folder, string tensor, string shard)
    {
        // A plain name cannot leave the folder. Links are followed: the Hub's own cache is a folder of links.
        if (shard.AsSpan().ContainsAny("/\\:\0") || shard is "" or "." or ".." || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            throw new UserErrorException(
                $"{Source}: puts tensor {Shown.Text(tensor)} into \"{Shown.Text(shard)}\", which is no plain name of a .safetensors "
                + "file in the folder; download the index again");
        }

        string path = Path.Combine(folder, shard);
        if (!File.Exists(path))
        {
            throw new UserErrorException(
                $"{Source}: puts tensor {Shown.Text(tensor)} into {Shown.Text(shard)}, which is missing; download that shard");
        }

        return Add(path);
    }

    private SafetensorsFile Add(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(file);
        return file;
    }

    private List<(string Tensor, string Shard)> ReadIndex() => JsonFile.Read(Source, MaxIndexBytes, root =>
    {
        if (!root.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new UserErrorException($"{Source}: has no object weight_map; download the index again");
        }

        List<(string, string)> entries = [];
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            string shard = entry.Value.ValueKind == JsonValueKind.String
                ? entry.Value.GetString()!
                : throw new UserErrorException(
                    $"{Source}: the shard of tensor {Shown.Text(entry.Name)} is no string; download the index again");
            entries.Add((entry.Name, shard));
        }

        return entries;
    });
}
