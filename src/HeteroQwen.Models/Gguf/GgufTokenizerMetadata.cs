using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The tokenizer, the template and the ids that end an answer as metadata of a GGUF file.</summary>
internal static class GgufTokenizerMetadata
{
    /// <exception cref="UserErrorException">The tokenizer is damaged, or has more tokens than the model has rows for.</exception>
    public static void Add(IModelSource model, Action<string, object> add, ICollection<string> notes)
    {
        TokenizerTables? tables = model.Text.Tokenizer?.Tables;
        if (tables is null)
        {
            // What llama.cpp takes for a model whose prompts are ids.
            add("tokenizer.ggml.model", "none");
            notes.Add("the model has no tokenizer, and so the file has none and takes ids alone");
        }
        else
        {
            AddTables(model, tables, add);
        }

        AddEnds(model, tables, add, notes);
        if (model.Text.Template.Text is { } template)
        {
            add("tokenizer.chat_template", template);
        }
        else if (tables is not null)
        {
            notes.Add("the model has no chat template that the file could hold");
        }
    }

    /// <summary>A token for each row of the embedding; rows without one get a name that the converter makes up, too.</summary>
    private static void AddTables(IModelSource model, TokenizerTables tables, Action<string, object> add)
    {
        int rows = model.Config.VocabSize;
        string[] tokens = [.. Enumerable.Range(0, rows).Select(i => $"[PAD{i}]")];
        int[] types = new int[rows];
        Array.Fill(types, GgufTokenizer.Unused);
        foreach ((int id, string token) in tables.Tokens)
        {
            if (id >= rows)
            {
                throw new UserErrorException(
                    $"{model.Name}: the tokenizer has a token of id {id}, but the embedding only {rows} rows; "
                    + "check that both belong to one model");
            }

            (tokens[id], types[id]) = (token, GgufTokenizer.Normal);
        }

        tables.Added.ForEach(a => types[a.Id] = a.IsSpecial ? GgufTokenizer.Control : GgufTokenizer.UserDefined);
        add("tokenizer.ggml.model", "gpt2");
        add("tokenizer.ggml.pre", "qwen2");
        add("tokenizer.ggml.tokens", tokens);
        add("tokenizer.ggml.token_type", types);
        add("tokenizer.ggml.merges", tables.Merges.ToArray());
        add("tokenizer.ggml.add_bos_token", false);
    }

    /// <summary>
    /// The first end of an answer is the file's eos. Of the others the file names one, as eot; the two of Qwen3's control tokens are
    /// known by their spelling.
    /// </summary>
    private static void AddEnds(IModelSource model, TokenizerTables? tables, Action<string, object> add, ICollection<string> notes)
    {
        int? Spelled(string token) => tables is not null && tables.TryGetId(token, out int id) ? id : null;
        if (model.Config.BosTokenId is { } bos)
        {
            add("tokenizer.ggml.bos_token_id", (uint)bos);
        }

        if (Spelled("<|endoftext|>") is { } padding)
        {
            add("tokenizer.ggml.padding_token_id", (uint)padding);
        }

        int[] ends = [.. model.Config.EosTokenIds.Concat(model.Generation.EosTokenIds).Distinct()];
        int[] more = [.. ends.Skip(1).Where(id => id != Spelled("<|endoftext|>") && id != Spelled("<|im_end|>"))];
        if (ends.Length > 0)
        {
            add("tokenizer.ggml.eos_token_id", (uint)ends[0]);
        }

        if (more.Length > 0)
        {
            add("tokenizer.ggml.eot_token_id", (uint)more[0]);
        }

        if (more.Length > 1)
        {
            notes.Add($"the file has no place for these ends of an answer: {string.Join(", ", more.Skip(1))}");
        }
    }
}
