using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// The fields of one JSON object of a model's configuration, read with range checks. Whatever is wrong becomes one sentence
/// that names the file, the key, the value and what is allowed. A field that is null counts as absent, as in Hugging Face.
/// </summary>
internal sealed class JsonFields
{
    /// <summary>Configuration files are a few kilobytes; more is not one.</summary>
    private const long MaxFileBytes = 4 << 20;

    private readonly JsonElement _object;
    private readonly string _prefix;

    private JsonFields(string file, string prefix, JsonElement element)
    {
        File = file;
        _prefix = prefix;
        _object = element;
    }

    public string File { get; }

    public IEnumerable<string> Keys => _object.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null).Select(p => p.Name);

    // Cloned, so that nobody has to keep the document open. Text is read once inside, because text that is no valid Unicode
    // throws when it is read, and afterwards nobody expects that.
    public static JsonFields Load(string path) => JsonFile.Read(path, MaxFileBytes, root =>
    {
        CheckText(root);
        return new JsonFields(path, "", root.Clone());
    });

    /// <summary>Whether the key is there, be it null.</summary>
    public bool IsPresent(string key) => _object.TryGetProperty(key, out _);

    public bool Has(string key) => _object.TryGetProperty(key, out JsonElement e) && e.ValueKind != JsonValueKind.Null;

    public int Int(string key, int min, int max) => IntOrNull(key, min, max) ?? throw Missing(key);

    public int? IntOrNull(string key, int min, int max)
    {
        if (!Has(key))
        {
            return null;
        }

        JsonElement e = _object.GetProperty(key);
        return IsInt(e, min, max, out int value) ? value : throw Bad(key, $"a whole number from {min} to {max}");
    }

    public double Number(string key, double min, double max) => NumberOrNull(key, min, max) ?? throw Missing(key);

    public double? NumberOrNull(string key, double min, double max)
    {
        if (!Has(key))
        {
            return null;
        }

        JsonElement e = _object.GetProperty(key);
        return e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out double value) && value >= min && value <= max
            ? value
            : throw Bad(key, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
    }

    public bool Flag(string key, bool absent) => !Has(key) ? absent : _object.GetProperty(key).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Bad(key, "true or false"),
    };

    public string? TextOrNull(string key)
    {
        if (!Has(key))
        {
            return null;
        }

        JsonElement e = _object.GetProperty(key);
        return e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Bad(key, "a string");
    }

    public ImmutableArray<string>? TextsOrNull(string key) => ListOrNull(
        key, "a list of strings", e => e.ValueKind == JsonValueKind.String ? (true, e.GetString()!) : (false, ""));

    public ImmutableArray<int>? IntsOrNull(string key, int min, int max) => ListOrNull(
        key, $"a list of whole numbers from {min} to {max}", e => (IsInt(e, min, max, out int value), value));

    /// <summary>A list of numbers, or one number alone (as <c>eos_token_id</c> is written both ways).</summary>
    public ImmutableArray<int>? IntOrIntsOrNull(string key, int min, int max) =>
        Has(key) && _object.GetProperty(key).ValueKind == JsonValueKind.Number ? [Int(key, min, max)] : IntsOrNull(key, min, max);

    public JsonFields? ObjectOrNull(string key)
    {
        if (!Has(key))
        {
            return null;
        }

        JsonElement e = _object.GetProperty(key);
        return e.ValueKind == JsonValueKind.Object ? new JsonFields(File, _prefix + key + ".", e) : throw Bad(key, "an object");
    }

    /// <summary>The sentence for a value that is not allowed.</summary>
    public UserErrorException Bad(string key, string allowed) =>
        new($"{File}: {_prefix}{key} is {Value(key)}, but must be {allowed}; correct it or download the file again");

    public UserErrorException Missing(string key) =>
        new($"{File}: {_prefix}{key} is missing; add it or download the file again");

    /// <summary>The sentence for a setting that would change the result and that is not implemented.</summary>
    public UserErrorException Unsupported(string key, string why) =>
        new($"{File}: {_prefix}{Shown.Text(key)} is {Value(key)}, which is not supported ({why}); use another model");

    /// <summary>The value as the file has it, on one line.</summary>
    private string Value(string key) => _object.TryGetProperty(key, out JsonElement e)
        ? Shown.Text(string.Join(' ', e.GetRawText().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
        : "absent";

    private static bool IsInt(JsonElement e, int min, int max, out int value)
    {
        value = 0;
        return e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out value) && value >= min && value <= max;
    }

    private ImmutableArray<T>? ListOrNull<T>(string key, string allowed, Func<JsonElement, (bool Ok, T Value)> read)
    {
        if (!Has(key))
        {
            return null;
        }

        JsonElement list = _object.GetProperty(key);
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw Bad(key, allowed);
        }

        ImmutableArray<T>.Builder values = ImmutableArray.CreateBuilder<T>(list.GetArrayLength());
        foreach (JsonElement e in list.EnumerateArray())
        {
            (bool ok, T value) = read(e);
            values.Add(ok ? value : throw Bad(key, allowed));
        }

        return values.MoveToImmutable();
    }

    private static void CheckText(JsonElement e)
    {
        switch (e.ValueKind)
        {
            case JsonValueKind.String:
                _ = e.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in e.EnumerateArray())
                {
                    CheckText(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in e.EnumerateObject())
                {
                    _ = property.Name;
                    CheckText(property.Value);
                }

                break;
        }
    }
}
