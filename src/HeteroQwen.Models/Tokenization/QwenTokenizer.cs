using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using HeteroQwen.Ir;
using Microsoft.ML.Tokenizers;

namespace HeteroQwen.Models;

/// <summary>
/// Qwen's tokenizer, from a Hugging Face <c>tokenizer.json</c> or from a GGUF file: added tokens, NFC, Qwen's split pattern,
/// byte-level BPE. Ids and text are those of Hugging Face tokenizers, with and without ICU.
/// </summary>
public sealed class QwenTokenizer
{
    private readonly BpeTokenizer _bpe;
    private readonly LongWordEncoder _longWords;
    private readonly AddedTokens _added;
    private readonly Dictionary<int, string> _tokens;
    private readonly HashSet<int> _special;

    internal QwenTokenizer(TokenizerTables tables)
    {
        Tables = tables;
        _tokens = tables.Tokens;
        _special = [.. tables.Added.Where(token => token.IsSpecial).Select(token => token.Id)];
        _added = new AddedTokens(tables.Added);
        VocabularySize = _tokens.Keys.Max() + 1;
        SpecialTokens = [.. tables.Added.Where(token => token.IsSpecial).Select(token => token.Content)];
        _bpe = BpeTokenizer.Create(new BpeOptions(tables.Vocabulary)
        {
            Merges = tables.Merges,
            ByteLevel = true,
        });
        _longWords = new LongWordEncoder(tables.Vocabulary, tables.Merges);
    }

    /// <summary>What it was made from.</summary>
    internal TokenizerTables Tables { get; }

    /// <summary>The largest id plus one. A model's embedding may have more rows.</summary>
    public int VocabularySize { get; }

    /// <summary>The spellings of the control tokens.</summary>
    public IReadOnlyList<string> SpecialTokens { get; }

    /// <summary>Reads <c>tokenizer.json</c>, or a <c>.gz</c> of it.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, is damaged, or describes another kind of tokenizer.</exception>
    public static QwenTokenizer Load(string tokenizerJsonPath)
    {
        try
        {
            using var file = File.OpenRead(tokenizerJsonPath);
            if (!tokenizerJsonPath.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
                return Load(file, tokenizerJsonPath);
            using var unzipped = new GZipStream(file, CompressionMode.Decompress);
            return Load(unzipped, tokenizerJsonPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UserErrorException(
                $"The tokenizer {tokenizerJsonPath} cannot be read ({Shown.Text(e.Message.TrimEnd('.'))}); check the path and the file.", e);
        }
    }

    /// <summary>Reads a <c>tokenizer.json</c> from a stream; <paramref name="name"/> stands for it in messages.</summary>
    public static QwenTokenizer Load(Stream json, string name) => new(TokenizerJson.Read(json, name));

    /// <summary>
    /// The ids of a text. The other added tokens (such as <c>&lt;think&gt;</c>) are always found; the spelling of a control token
    /// becomes that token only if <paramref name="allowSpecial"/> is true, as in Hugging Face, and else is plain text.
    /// </summary>
    public int[] Encode(string text, bool allowSpecial) => Encode(text, allowSpecial ? [] : [new TextSpan(0, text.Length)]);

    /// <summary>
    /// The ids of a text in which the spelling of a control token becomes that token only where it touches none of
    /// <paramref name="protectedSpans"/> (in order, not overlapping). All else is as if there were no spans.
    /// </summary>
    public int[] Encode(string text, IReadOnlyList<TextSpan> protectedSpans)
    {
        text = ReplaceLoneSurrogates(text);
        var ids = new List<int>();
        var start = 0;
        var span = 0;
        while (_added.TryFind(text, start, protectedSpans, ref span, out var at, out var token))
        {
            EncodeBetween(text[start..at], ids);
            ids.Add(token.Id);
            start = at + token.Content.Length;
        }
        EncodeBetween(text[start..], ids);
        return [.. ids];
    }

    /// <summary>The text of the ids, with U+FFFD for bytes that are no UTF-8.</summary>
    /// <exception cref="UserErrorException">An id has no token.</exception>
    public string Decode(IEnumerable<int> ids, bool skipSpecial = false)
    {
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            RequireToken(id);
            AppendBytes(id, skipSpecial, bytes);
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    public StreamingDecoder CreateDecoder(bool skipSpecial = false) => new(this, skipSpecial);

    /// <summary>The text of one token by itself; bytes of a character that it holds only in part show as U+FFFD.</summary>
    /// <exception cref="UserErrorException">The id has no token.</exception>
    public string PieceOf(int id) => Decode([id]);

    public bool TryGetId(string token, out int id) => Tables.TryGetId(token, out id);

    /// <summary>True for a control token, such as <c>&lt;|im_end|&gt;</c>.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    internal void AppendBytes(int id, bool skipSpecial, List<byte> bytes)
    {
        if (!(skipSpecial && IsSpecial(id)) && _tokens.TryGetValue(id, out var token))
            ByteAlphabet.AppendBytes(token, bytes);
    }

    private void EncodeBetween(string text, List<int> ids)
    {
        var rest = Nfc.Normalize(text).AsSpan();
        while (rest.Length > 0)
        {
            var word = rest[..QwenSplitter.WordLength(rest)];
            if (word.Length > LongWordEncoder.Threshold)
                _longWords.Encode(word, ids);
            else
                ids.AddRange(_bpe.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
            rest = rest[word.Length..];
        }
    }

    private void RequireToken(int id)
    {
        if (!_tokens.ContainsKey(id))
        {
            throw new UserErrorException(
                $"Token id {id} is not in the vocabulary of {VocabularySize} ids; use ids that this tokenizer gave.");
        }
    }

    /// <summary>Half a surrogate pair has no UTF-8; U+FFFD takes its place, one unit for one, so that spans stay where they are.</summary>
    private static string ReplaceLoneSurrogates(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var chars = text.ToCharArray();
        for (var i = 0; i < chars.Length;)
        {
            if (Rune.DecodeFromUtf16(chars.AsSpan(i), out _, out var length) != System.Buffers.OperationStatus.Done)
                chars[i] = '\uFFFD';
            i += length;
        }
        return new string(chars);
    }
}
