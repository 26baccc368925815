using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The tokens and merges of a byte-level BPE tokenizer, checked as they are added, whatever file they come from.</summary>
/// <param name="refuse">Makes the sentence that names the file; what it gets goes on from the file's name.</param>
internal sealed class TokenizerTables(Func<string, UserErrorException> refuse)
{
    private readonly HashSet<string> _seenMerges = new(StringComparer.Ordinal);

    public Dictionary<string, int> Vocabulary { get; } = new(StringComparer.Ordinal);

    public List<string> Merges { get; } = [];

    public List<AddedToken> Added { get; } = [];

    public Dictionary<int, string> Tokens { get; } = [];

    /// <summary>The vocabulary and the added tokens together.</summary>
    public Dictionary<string, int> Ids { get; } = new(StringComparer.Ordinal);

    public void AddToVocabulary(string token, int id)
    {
        AddToken(token, id);
        Vocabulary.Add(token, id);
    }

    public void RequireBytes()
    {
        foreach (var c in ByteAlphabet.Characters)
        {
            if (!Vocabulary.ContainsKey(c.ToString()))
                throw refuse($"has no token for the byte character '{c}', which byte-level BPE needs");
        }
    }

    /// <summary>Adds a merge of two tokens; anything but two parts is refused.</summary>
    public void AddMerge(string[] parts)
    {
        if (parts.Length != 2)
            throw refuse($"has a merge that is no pair of tokens (number {Merges.Count})");
        foreach (var token in (string[])[parts[0], parts[1], parts[0] + parts[1]])
        {
            if (!Vocabulary.ContainsKey(token) || token.Contains(' '))
                throw refuse($"has a merge (number {Merges.Count}) whose token '{Shown.Text(token)}' is not in the vocabulary");
        }
        var merge = parts[0] + " " + parts[1];
        if (!_seenMerges.Add(merge))
            throw refuse($"has the merge '{Shown.Text(merge)}' twice");
        Merges.Add(merge);
    }

    /// <summary>Adds a token that is found in the text before it is split; it may also be in the vocabulary.</summary>
    public void AddAdded(AddedToken token)
    {
        if (!Vocabulary.TryGetValue(token.Content, out var known) || known != token.Id)
            AddToken(token.Content, token.Id);
        Added.Add(token);
    }

    private void AddToken(string token, int id)
    {
        if (!Ids.TryAdd(token, id))
            throw refuse($"has the token '{Shown.Text(token)}' twice");
        if (!Tokens.TryAdd(id, token))
            throw refuse($"gives the id {id} to both '{Shown.Text(Tokens[id])}' and '{Shown.Text(token)}'");
    }
}
