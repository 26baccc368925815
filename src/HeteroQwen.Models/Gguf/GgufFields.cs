using System.Globalization;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Metadata of a GGUF file whose keys share a prefix, read with range checks. Whatever is wrong becomes one sentence that names
/// the file, the key, the value and what is allowed.
/// </summary>
internal sealed class GgufFields(GgufFile file, string prefix)
{
    public string File => file.Path;

    /// <summary>The keys, without the prefix.</summary>
    public IEnumerable<string> Keys =>
        file.Metadata.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]);

    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether the key is there and is this whole number.</summary>
    public bool Is(string key, long number) => Find(key) is { } value && Whole(value) == number;

    public int Int(string key, int min, int max) => IntOrNull(key, min, max) ?? throw Missing(key);

    public int? IntOrNull(string key, int min, int max) => Find(key) is not { } value
        ? null
        : Whole(value) is { } number && number >= min && number <= max
            ? (int)number
            : throw Bad(key, $"a whole number from {min} to {max}");

    public double Number(string key, double min, double max) => NumberOrNull(key, min, max) ?? throw Missing(key);

    public double? NumberOrNull(string key, double min, double max) => Find(key) is not { } value
        ? null
        : (file.Real(value) ?? (double?)Whole(value)) is { } number && number >= min && number <= max
            ? number
            : throw Bad(key, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));

    public bool Flag(string key, bool absent) => Find(key) is not { } value
        ? absent
        : value.Type == GgufType.Bool && file.Integer(value) is { } flag && flag <= 1 ? flag == 1 : throw Bad(key, "true or false");

    public string? TextOrNull(string key) => Find(key) is not { } value
        ? null
        : value.Type == GgufType.Text ? GgufCursor.DecodeOrNull(file.Utf8(value)) ?? throw Bad(key, "UTF-8") : throw Bad(key, "a text");

    /// <summary>An array of texts, as bytes that are not checked.</summary>
    public GgufTexts Texts(string key) => new(file, Array(key, GgufType.Text, "texts"));

    /// <summary>A text of an array.</summary>
    public string Decode(ReadOnlySpan<byte> text, string key, int index) =>
        GgufCursor.DecodeOrNull(text) ?? throw GgufCursor.Bad(File, $"text {index} of {prefix}{key} is no valid UTF-8");

    /// <summary>An array of 32-bit numbers, for <see cref="GgufFile.Int32At"/>.</summary>
    public GgufValue Ints(string key) => Array(key, GgufType.Int32, "32-bit numbers");

    public IEnumerable<bool> Flags(string key) =>
        file.Items(Array(key, GgufType.Bool, "truth values")).Select(item => file.Integer(item) == 1);

    /// <summary>The sentence for a value that is not allowed.</summary>
    public UserErrorException Bad(string key, string allowed) =>
        new($"{File}: {prefix}{key} is {Value(key)}, but must be {allowed}; convert the model anew");

    public UserErrorException Missing(string key) => new($"{File}: {prefix}{key} is missing; convert the model anew");

    /// <summary>The sentence for a setting that would change the result and that is not implemented.</summary>
    public UserErrorException Unsupported(string key, string why) =>
        new($"{File}: {prefix}{Shown.Text(key)} is {Value(key)}, which is not supported ({why}); use another model");

    private GgufValue Array(string key, GgufType item, string items)
    {
        GgufValue value = Find(key) ?? throw Missing(key);
        return value.Type == GgufType.Array && value.Item == item ? value : throw Bad(key, $"an array of {items}");
    }

    private GgufValue? Find(string key) => file.Metadata.TryGetValue(prefix + key, out GgufValue value) ? value : null;

    private Int128? Whole(GgufValue value) => value.Type == GgufType.Bool ? null : file.Integer(value);

    private string Value(string key) => Find(key) switch
    {
        null => "absent",
        { Type: GgufType.Array } value => $"an array of {value.Count} items",
        { Type: GgufType.Text } value when value.Count > 1000 => $"a text of {value.Count} bytes",
        { Type: GgufType.Text } value => $"\"{Shown.Text(GgufCursor.DecodeOrNull(file.Utf8(value)) ?? "?")}\"",
        { Type: GgufType.Bool } value when file.Integer(value) is { } flag && flag <= 1 => flag == 1 ? "true" : "false",
        { } value => file.Real(value)?.ToString(CultureInfo.InvariantCulture)
            ?? file.Integer(value)!.Value.ToString(CultureInfo.InvariantCulture),
    };
}
