using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>The tokens and merges of a byte-level BPE tokenizer, checked as they are added, whatever file they come from.</summary>
/// <param name="refuse">Makes the sentence that names the file; what it gets goes on from the file's name.</param>
internal sealed class TokenizerTables(Func<string, UserErrorException> refuse)
{
    /// <summary>More room than this is not made ahead, whatever a file claims to hold.</summary>
    private const int MostExpected = 1 << 18;

    /// <summary>Added tokens that the vocabulary has not.</summary>
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);

    /// <summary>Ids of both parts, the left one above.</summary>
    private readonly HashSet<long> _seenMerges = [];

    public Dictionary<string, int> Vocabulary { get; } = new(StringComparer.Ordinal);

    public List<string> Merges { get; } = [];

    public List<AddedToken> Added { get; } = [];

    public Dictionary<int, string> Tokens { get; } = [];

    /// <summary>Makes room for so many tokens.</summary>
    public void ExpectTokens(long count)
    {
        var room = (int)Math.Min(count, MostExpected);
        Vocabulary.EnsureCapacity(room);
        Tokens.EnsureCapacity(room);
    }

    /// <summary>Makes room for so many merges.</summary>
    public void ExpectMerges(long count)
    {
        var room = (int)Math.Min(count, MostExpected);
        Merges.EnsureCapacity(room);
        _seenMerges.EnsureCapacity(room);
    }

    /// <summary>The id of a token of the vocabulary or of an added one.</summary>
    public bool TryGetId(string token, out int id) => Vocabulary.TryGetValue(token, out id) || _addedIds.TryGetValue(token, out id);

    public void AddToVocabulary(string token, int id)
    {
        if (_addedIds.ContainsKey(token) || !Vocabulary.TryAdd(token, id))
            throw Twice(token);
        AddId(token, id);
    }

    public void RequireBytes()
    {
        foreach (var c in ByteAlphabet.Characters)
        {
            if (!Vocabulary.ContainsKey(c.ToString()))
                throw refuse($"has no token for the byte character '{c}', which byte-level BPE needs");
        }
    }

    /// <summary>Adds a merge of two tokens with a space between them; anything but two parts is refused.</summary>
    public void AddMerge(string merge)
    {
        var space = merge.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || merge.IndexOf(' ', space + 1) >= 0)
            throw refuse($"has a merge that is no pair of tokens (number {Merges.Count})");
        var joined = merge.Length <= 256 ? stackalloc char[merge.Length - 1] : new char[merge.Length - 1];
        merge.AsSpan(..space).CopyTo(joined);
        merge.AsSpan(space + 1).CopyTo(joined[space..]);
        var pair = (long)RequirePart(joined[..space]) << 32 | (uint)RequirePart(joined[space..]);
        RequirePart(joined);
        if (!_seenMerges.Add(pair))
            throw refuse($"has the merge '{Shown.Text(merge)}' twice");
        Merges.Add(merge);
    }

    /// <summary>Adds a token that is found in the text before it is split; it may also be in the vocabulary.</summary>
    public void AddAdded(AddedToken token)
    {
        var inVocabulary = Vocabulary.TryGetValue(token.Content, out var known);
        if (inVocabulary ? known != token.Id : !_addedIds.TryAdd(token.Content, token.Id))
            throw Twice(token.Content);
        if (!inVocabulary)
            AddId(token.Content, token.Id);
        Added.Add(token);
    }

    private int RequirePart(ReadOnlySpan<char> token) => Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var id)
        ? id
        : throw refuse($"has a merge (number {Merges.Count}) whose token '{Shown.Text(token.ToString())}' is not in the vocabulary");

    private UserErrorException Twice(string token) => refuse($"has the token '{Shown.Text(token)}' twice");

    private void AddId(string token, int id)
    {
        if (!Tokens.TryAdd(id, token))
            throw refuse($"gives the id {id} to both '{Shown.Text(Tokens[id])}' and '{Shown.Text(token)}'");
    }
}
