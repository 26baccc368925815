using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Reads the tokenizer in a GGUF file's metadata: byte-level BPE with Qwen's split pattern, and nothing else.</summary>
internal static class GgufTokenizer
{
    public const int Normal = 1;
    public const int Control = 3;
    public const int UserDefined = 4;
    public const int Unused = 5;

    /// <summary>The tokenizer; null where the file has none.</summary>
    /// <exception cref="UserErrorException">It is damaged or of another kind.</exception>
    public static QwenTokenizer? Read(GgufFile file)
    {
        GgufFields fields = new(file, "tokenizer.ggml.");
        if (!fields.Has("model") || fields.TextOrNull("model") == "none")
        {
            return null;
        }

        Require(fields, "model", "gpt2");
        Require(fields, "pre", "qwen2");
        if (fields.Flag("add_bos_token", false))
        {
            throw fields.Unsupported("add_bos_token", "Qwen3's prompts begin with no token of their own");
        }

        TokenizerTables tables = new(
            why => new UserErrorException($"{file.Path}: the tokenizer {why}; take a GGUF file of a Qwen3 model"));
        ReadTokens(file, fields, tables);
        tables.RequireBytes();
        GgufTexts merges = fields.Texts("merges");
        tables.ExpectMerges(merges.Count);
        int index = 0;
        foreach (ReadOnlySpan<byte> merge in merges)
        {
            tables.AddMerge(fields.Decode(merge, "merges", index++));
        }

        return new QwenTokenizer(tables);
    }

    /// <summary>The id of the control token of this spelling, if there is one; no token is read as text.</summary>
    public static int? ControlToken(GgufFile file, ReadOnlySpan<byte> spelling)
    {
        GgufFields fields = new(file, "tokenizer.ggml.");
        if (!fields.Has("tokens") || !fields.Has("token_type"))
        {
            return null;
        }

        int id = 0;
        foreach (ReadOnlySpan<byte> token in fields.Texts("tokens"))
        {
            if (token.SequenceEqual(spelling))
            {
                GgufValue types = fields.Ints("token_type");
                return id < types.Count && file.Int32At(types, id) == Control ? id : null;
            }

            id++;
        }

        return null;
    }

    private static void ReadTokens(GgufFile file, GgufFields fields, TokenizerTables tables)
    {
        GgufTexts tokens = fields.Texts("tokens");
        GgufValue types = fields.Ints("token_type");
        tables.ExpectTokens(tokens.Count);
        int id = 0;
        foreach (ReadOnlySpan<byte> token in tokens)
        {
            if (id >= types.Count)
            {
                throw fields.Bad("token_type", "as long as tokens");
            }

            Add(tables, fields.Decode(token, "tokens", id), id, file.Int32At(types, id), fields);
            id++;
        }

        if (id < types.Count)
        {
            throw fields.Bad("token_type", "as long as tokens");
        }
    }

    private static void Add(TokenizerTables tables, string token, int id, int type, GgufFields fields)
    {
        switch (type)
        {
            case Normal:
                tables.AddToVocabulary(token, id);
                break;
            case Control or UserDefined when token.Length > 0:
                tables.AddAdded(new AddedToken(token, id, type == Control));
                break;
            case Unused:
                // Rows of the embedding that have no token, under names that the converter made up.
                break;
            default:
                throw new UserErrorException(
                    $"{fields.File}: the tokenizer gives token {id} the type {type}, and only {Normal} (normal), {Control} (control), "
                    + $"{UserDefined} (user-defined) and {Unused} (unused) are supported; take a GGUF file of a Qwen3 model");
        }
    }

    private static void Require(GgufFields fields, string key, string only)
    {
        if (fields.TextOrNull(key) is not { } value)
        {
            throw fields.Missing(key);
        }

        if (value != only)
        {
            throw fields.Unsupported(key, $"only {only} is");
        }
    }
}
