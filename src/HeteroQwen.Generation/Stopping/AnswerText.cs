using System.Text;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Generation;

/// <summary>Receives a part of an answer's text and the id of the token that completed it.</summary>
public delegate void AnswerPart(string text, int id);

/// <summary>
/// The text of one answer while it is made, control tokens included. It ends before the first stop string, and what may be the
/// beginning of one is held back until that is decided; where it ends does not depend on how the text is cut into tokens.
/// </summary>
public sealed class AnswerText
{
    private readonly QwenTokenizer _tokenizer;
    private readonly StreamingDecoder _decoder;
    private readonly StopString[] _stops;
    private readonly AnswerPart? _part;
    private readonly StringBuilder _text = new();

    /// <summary>Of the text that is held back: where each token's part ends, and the token.</summary>
    private readonly Queue<(int End, int Id)> _held = new();
    private int _released;
    private int _latest;

    /// <summary>An empty answer.</summary>
    /// <param name="tokenizer">What makes text of ids.</param>
    /// <param name="stops">Texts that end the answer.</param>
    /// <param name="part">Gets the text as soon as it is certain: characters never in halves, no part of a stop string.</param>
    /// <exception cref="UserErrorException">A stop string is empty.</exception>
    public AnswerText(QwenTokenizer tokenizer, IReadOnlyList<string> stops, AnswerPart? part = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(stops);
        (_tokenizer, _decoder, _part) = (tokenizer, tokenizer.CreateDecoder(), part);
        _stops = [.. stops.Select(s => new StopString(s))];
    }

    /// <summary>Whether a stop string has ended the answer.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Adds a token, and says whether a stop string ends the answer with it.</summary>
    public bool Append(int id)
    {
        if (_tokenizer.IsSpecial(id))
        {
            // What a control token leaves unfinished belongs to the token before it, since control tokens may be left out of sight.
            Append(_decoder.Flush(), _latest);
        }

        _latest = id;
        Append(_decoder.Append(id), id);
        return IsStopped;
    }

    /// <summary>Ends the answer: hands over what was held back, and U+FFFD for an unfinished character.</summary>
    public void Finish()
    {
        Append(_decoder.Flush(), _latest);
        Release(_text.Length);
    }

    /// <summary>The text as far as it is certain.</summary>
    public override string ToString() => _text.ToString(0, _released);

    private void Append(string piece, int id)
    {
        if (IsStopped || piece.Length == 0)
        {
            return;
        }

        int start = _text.Length;
        _text.Append(piece);
        _held.Enqueue((_text.Length, id));
        for (int i = 0; i < piece.Length && !IsStopped; i++)
        {
            // Of several that end here, the longest: nothing of any of them is to be seen.
            int found = LongestFound(piece[i]);
            if (found > 0)
            {
                IsStopped = true;
                _text.Length = start + i + 1 - found;
            }
        }

        Release(_text.Length - (IsStopped ? 0 : _stops.Select(s => s.Matched).DefaultIfEmpty().Max()));
    }

    private int LongestFound(char next)
    {
        int longest = 0;
        foreach (StopString stop in _stops)
        {
            longest = stop.Advance(next) ? Math.Max(longest, stop.Matched) : longest;
        }

        return longest;
    }

    private void Release(int end)
    {
        while (_released < end)
        {
            (int last, int id) = _held.Peek();
            string part = _text.ToString(_released, Math.Min(last, end) - _released);
            _released += part.Length;
            if (_released == last)
            {
                _held.Dequeue();
            }

            _part?.Invoke(part, id);
        }
    }
}
