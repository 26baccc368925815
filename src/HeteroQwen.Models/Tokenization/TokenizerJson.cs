using System.Text.Json;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Reads and checks <c>tokenizer.json</c>: byte-level BPE with Qwen's normaliser and split pattern, and nothing else.</summary>
internal sealed class TokenizerJson
{
    /// <summary>Far above any vocabulary; keeps "largest id plus one" an honest size.</summary>
    private const int MaxId = (1 << 24) - 1;

    private const long MaxFileBytes = 256L << 20;

    private readonly string _name;
    private readonly TokenizerTables _tables;

    private TokenizerJson(string name)
    {
        _name = name;
        _tables = new TokenizerTables(Refuse);
    }

    /// <exception cref="UserErrorException">Not such a file; the message names <paramref name="name"/>.</exception>
    public static TokenizerTables Read(Stream stream, string name)
    {
        var json = new TokenizerJson(name);
        using var content = new MemoryStream();
        json.CopyBounded(stream, content);
        try
        {
            using var document = JsonDocument.Parse(content.GetBuffer().AsMemory(0, (int)content.Length));
            json.ReadRoot(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UserErrorException($"The tokenizer {name} is no valid JSON ({JsonFile.Why(e)}); fetch the file again.", e);
        }
        return json._tables;
    }

    private void CopyBounded(Stream from, MemoryStream to)
    {
        var buffer = new byte[1 << 16];
        for (int count; (count = from.Read(buffer)) > 0;)
        {
            if (to.Length + count > MaxFileBytes)
                throw Refuse($"is larger than {MaxFileBytes >> 20} MiB, which no tokenizer is");
            to.Write(buffer, 0, count);
        }
    }

    private void ReadRoot(JsonElement root)
    {
        RequireObject(root, "the file");
        var model = Property(root, "model");
        RequireObject(model, "model");
        RequireText(model, "model", "type", "BPE");
        foreach (var option in (string[])["dropout", "unk_token"])
            RequireOff(model, option, JsonValueKind.Null);
        foreach (var option in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            RequireEmpty(model, option);
        foreach (var option in (string[])["byte_fallback", "ignore_merges"])
            RequireOff(model, option, JsonValueKind.False);
        RequireNormalizer(Property(root, "normalizer"));
        RequireSplit(Property(root, "pre_tokenizer"));
        RequirePlainPostProcessor(Property(root, "post_processor"));
        RequireObject(Property(root, "decoder"), "decoder");
        RequireText(Property(root, "decoder"), "decoder", "type", "ByteLevel");

        ReadVocabulary(Property(model, "vocab"));
        ReadMerges(Property(model, "merges"));
        ReadAdded(Property(root, "added_tokens"));
        // truncation and padding are what the file's last user left there; transformers resets both, and so they are not read.
    }

    private void ReadVocabulary(JsonElement vocabulary)
    {
        RequireObject(vocabulary, "model.vocab");
        foreach (var entry in vocabulary.EnumerateObject())
            _tables.AddToVocabulary(entry.Name, ReadId(entry.Value, entry.Name));
        _tables.RequireBytes();
    }

    private void ReadMerges(JsonElement merges)
    {
        RequireArray(merges, "model.merges");
        foreach (var entry in merges.EnumerateArray())
            _tables.AddMerge(ReadMerge(entry));
    }

    /// <summary>A merge as "a b", which the file has as such or as a pair of strings; what is neither is no pair here either.</summary>
    private static string ReadMerge(JsonElement entry) => entry.ValueKind switch
    {
        JsonValueKind.String => entry.GetString()!,
        JsonValueKind.Array when entry.GetArrayLength() == 2 && entry.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String)
            => string.Join(' ', entry.EnumerateArray().Select(part => part.GetString())),
        _ => "",
    };

    private void ReadAdded(JsonElement added)
    {
        RequireArray(added, "added_tokens");
        foreach (var entry in added.EnumerateArray())
        {
            RequireObject(entry, "an entry of added_tokens");
            var content = Property(entry, "content");
            if (content.ValueKind != JsonValueKind.String || content.GetString() is not { Length: > 0 } text)
                throw Refuse("has an added token whose content is no text");
            foreach (var option in (string[])["single_word", "lstrip", "rstrip", "normalized"])
            {
                if (Property(entry, option).ValueKind != JsonValueKind.False)
                    throw Refuse($"has the added token '{Cut(text)}' whose {option} is not false, which is not supported");
            }
            var special = Property(entry, "special").ValueKind;
            if (special is not (JsonValueKind.True or JsonValueKind.False))
                throw Refuse($"has the added token '{Cut(text)}' whose special is neither true nor false");
            _tables.AddAdded(new AddedToken(text, ReadId(Property(entry, "id"), text), special == JsonValueKind.True));
        }
    }

    private int ReadId(JsonElement value, string token)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var id) || id is < 0 or > MaxId)
            throw Refuse($"gives the token '{Cut(token)}' an id that is no whole number from 0 to {MaxId}");
        return id;
    }

    private void RequireNormalizer(JsonElement normalizer)
    {
        if (TypeOf(normalizer) != "NFC")
            throw Refuse($"has the normalizer {Name(normalizer)}, and only NFC is supported");
    }

    private void RequireSplit(JsonElement preTokenizer)
    {
        if (TypeOf(preTokenizer) != "Sequence" || Property(preTokenizer, "pretokenizers") is not { ValueKind: JsonValueKind.Array } parts
            || parts.GetArrayLength() != 2 || TypeOf(parts[0]) != "Split" || TypeOf(parts[1]) != "ByteLevel")
            throw Refuse($"has the pre_tokenizer {Name(preTokenizer)}, and only Qwen's sequence of Split and ByteLevel is supported");
        var pattern = Property(parts[0], "pattern");
        if (pattern.ValueKind != JsonValueKind.Object || Property(pattern, "Regex") is not { ValueKind: JsonValueKind.String } regex
            || regex.GetString() != QwenSplitter.Pattern)
            throw Refuse($"splits with the pattern {Name(pattern)}, and only Qwen's pattern is supported");
        RequireText(parts[0], "pre_tokenizer", "behavior", "Isolated");
        RequireOff(parts[0], "invert", JsonValueKind.False);
        RequireOff(parts[1], "add_prefix_space", JsonValueKind.False);
        if (Property(parts[1], "use_regex").ValueKind != JsonValueKind.False)
            throw Refuse("has a ByteLevel pre_tokenizer whose use_regex is not false, which is not supported");
    }

    /// <summary>A post-processor may only move offsets; one that adds tokens would change every prompt.</summary>
    private void RequirePlainPostProcessor(JsonElement post)
    {
        if (post.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null || TypeOf(post) == "ByteLevel")
            return;
        if (TypeOf(post) != "TemplateProcessing"
            || Property(post, "special_tokens") is not { ValueKind: JsonValueKind.Object } tokens || tokens.EnumerateObject().Any())
            throw Refuse($"has the post_processor {Name(post)} that may add tokens, which is not supported");
    }

    private void RequireObject(JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw Refuse($"is no Hugging Face tokenizer.json: {what} is no JSON object");
    }

    private void RequireArray(JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Refuse($"is no Hugging Face tokenizer.json: {what} is no JSON array");
    }

    private void RequireText(JsonElement owner, string what, string property, string expected)
    {
        var value = Property(owner, property);
        if (value.ValueKind != JsonValueKind.String || value.GetString() != expected)
            throw Refuse($"has {what}.{property} {Name(value)}, and only {expected} is supported");
    }

    private void RequireOff(JsonElement owner, string property, JsonValueKind off)
    {
        var value = Property(owner, property);
        if (value.ValueKind != JsonValueKind.Undefined && value.ValueKind != off)
            throw Refuse($"sets {property} to {Name(value)}, which is not supported");
    }

    private void RequireEmpty(JsonElement owner, string property)
    {
        var value = Property(owner, property);
        if (value.ValueKind != JsonValueKind.String || value.GetString() != "")
            RequireOff(owner, property, JsonValueKind.Null);
    }

    private static JsonElement Property(JsonElement owner, string property)
        => owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(property, out var value) ? value : default;

    private static string? TypeOf(JsonElement value)
        => Property(value, "type") is { ValueKind: JsonValueKind.String } type ? type.GetString() : null;

    private static string Name(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
            return "(none)";
        return Cut(TypeOf(value) ?? value.GetRawText());
    }

    private static string Cut(string text) => Shown.Text(text.Length > 40 ? text[..40] + "..." : text);

    private UserErrorException Refuse(string why) => new($"The tokenizer {_name} {why}; use the tokenizer.json of a Qwen3 model.");
}
