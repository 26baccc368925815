using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// Byte-level BPE of one long word in n log n time. Microsoft.ML.Tokenizers takes a minute for a word of a million letters
/// (time grows with the square), and a prompt may be one; its ids are these. The table is built when the first long word comes.
/// </summary>
internal sealed class LongWordEncoder(Dictionary<string, int> vocabulary, List<string> merges)
{
    /// <summary>Words of more UTF-16 units than this come here.</summary>
    public const int Threshold = 256;

    private readonly Lazy<Dictionary<(int Left, int Right), (int Rank, int Id)>> _merges = new(() => BuildMerges(vocabulary, merges));
    private readonly int[] _byteIds = [.. ByteAlphabet.Characters.ToArray().Select(c => vocabulary[c.ToString()])];

    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, bytes);
        var chain = new Chain([.. bytes.Select(b => _byteIds[b])], _merges.Value);
        chain.MergeAll();
        chain.CopyTo(ids);
    }

    private static Dictionary<(int Left, int Right), (int Rank, int Id)> BuildMerges(
        Dictionary<string, int> vocabulary, List<string> merges)
    {
        var table = new Dictionary<(int, int), (int, int)>(merges.Count);
        foreach (var merge in merges)
        {
            var space = merge.IndexOf(' ');
            var (left, right) = (merge[..space], merge[(space + 1)..]);
            table.Add((vocabulary[left], vocabulary[right]), (table.Count, vocabulary[left + right]));
        }
        return table;
    }

    /// <summary>The symbols of a word as a linked list; the pair of least rank merges first, and of equal ones the leftmost.</summary>
    private sealed class Chain
    {
        private const int Gone = -1;

        private readonly int[] _ids;
        private readonly int[] _next;
        private readonly int[] _previous;
        private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges;
        private readonly PriorityQueue<(int At, int Id), long> _queue = new();

        public Chain(int[] ids, Dictionary<(int Left, int Right), (int Rank, int Id)> merges)
        {
            _ids = ids;
            _merges = merges;
            _next = [.. Enumerable.Range(1, ids.Length)];
            _previous = [.. Enumerable.Range(-1, ids.Length)];
            for (var i = 0; i < ids.Length; i++)
                Enqueue(i);
        }

        public void MergeAll()
        {
            while (_queue.TryDequeue(out var merge, out _))
            {
                // An entry is stale once either symbol has merged with another; then its pair no longer gives this id.
                if (!TryMergeOf(merge.At, out var current) || current.Id != merge.Id)
                    continue;
                var right = _next[merge.At];
                _ids[merge.At] = merge.Id;
                _ids[right] = Gone;
                _next[merge.At] = _next[right];
                if (_next[right] < _ids.Length)
                    _previous[_next[right]] = merge.At;
                Enqueue(_previous[merge.At]);
                Enqueue(merge.At);
            }
        }

        public void CopyTo(List<int> ids)
        {
            for (var i = 0; i < _ids.Length; i = _next[i])
                ids.Add(_ids[i]);
        }

        private void Enqueue(int at)
        {
            if (at >= 0 && TryMergeOf(at, out var merge))
                _queue.Enqueue((at, merge.Id), (long)merge.Rank << 32 | (uint)at);
        }

        private bool TryMergeOf(int at, out (int Rank, int Id) merge)
        {
            merge = default;
            return _ids[at] != Gone && _next[at] < _ids.Length && _merges.TryGetValue((_ids[at], _ids[_next[at]]), out merge);
        }
    }
}
