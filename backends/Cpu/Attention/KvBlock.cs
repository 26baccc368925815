using System.Runtime.Intrinsics.X86;
using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>Entries as kernels read them: an address, and the bytes from an entry to the next and from a head to the next.</summary>
internal readonly unsafe struct KvBlock(byte* data, long row, long head, long ahead)
{
    public readonly byte* Data = data;
    public readonly long Row = row;
    public readonly long Head = head;

    private const int Line = 64;

    /// <summary>Bytes of a head of an entry to ask memory for in advance; 0 where the entries are in a cache.</summary>
    private readonly long _ahead = ahead;

    public KvBlock OfHead(int head) => new(Data + (head * Head), Row, Head, _ahead);

    /// <summary>
    /// Asks for a head of the entries after these: while a block is worked on, the next one comes. Where they do not follow in memory,
    /// it is asked for in vain; it is never waited for, and no address is wrong.
    /// </summary>
    public void PrefetchNext(int head, int count)
    {
        if (_ahead == 0 || !Sse.IsSupported)
        {
            return;
        }

        byte* next = Data + (head * Head) + (count * Row);
        for (int e = 0; e < count; e++, next += Row)
        {
            for (long i = 0; i < _ahead; i += Line)
            {
                Sse.Prefetch1(next + i);
            }
        }
    }
}

/// <summary>
/// The entries of a chunk, block by block. Where many rows share them, they are widened into the scratch, once for all rows; few rows
/// read them where they lie, and widen them in registers.
/// </summary>
internal readonly unsafe struct KvBlocks<T>
    where T : struct, ISimd<T>
{
    /// <summary>Rows that take entries from the pool at the most: one tile of rows, so that each is widened once.</summary>
    private const int FewRows = 4;

    /// <summary>Entries of a block in the pool: it and the next one stay in the second-level cache, whatever the number of heads.</summary>
    private const int InPlace = 16;

    private readonly AttentionShape _shape;
    private readonly AttentionTile _tile;
    private readonly long _position;
    private readonly float* _widened;
    private readonly bool _inPlace;
    private readonly int _most;

    /// <param name="shape">Shape.</param>
    /// <param name="layout">Layout.</param>
    /// <param name="tile">The rows.</param>
    /// <param name="position">Position of the chunk's first entry.</param>
    /// <param name="widened">Memory for entries that are widened.</param>
    public KvBlocks(AttentionShape shape, AttentionLayout layout, in AttentionTile tile, long position, float* widened)
    {
        (_shape, _tile, _position) = (shape, tile, position);
        _widened = widened;

        // In place: whole vectors, and tiles of entries that lie in one page.
        bool isWhole = shape.HeadDim == layout.Sums && shape.Page % Scores<T>.Entries == 0;
        _inPlace = isWhole && tile.HeadRows <= FewRows && shape.State != ElementType.Q8_0;
        _most = _inPlace ? InPlace : AttentionScratch.EntriesAtOnce(layout, tile.KvHeads);
    }

    /// <summary>What the blocks hold.</summary>
    public ElementType Element => _inPlace ? _shape.State : ElementType.F32;

    /// <summary>A block.</summary>
    /// <param name="pool">K or V.</param>
    /// <param name="row">Floats of a widened entry.</param>
    /// <param name="first">Its first entry in the chunk.</param>
    /// <param name="last">The end of the entries that are wanted.</param>
    /// <param name="count">How many entries it has.</param>
    public KvBlock Get(byte* pool, long row, int first, int last, out int count)
    {
        count = Math.Min(_most, last - first);
        if (!_inPlace)
        {
            KvTarget to = new(_widened, row, row * _most);
            KvRows<T>.Load(_shape, pool, _tile.Pages, _position + first, count, _tile.KvHead, _tile.KvHeads, to);
            return new KvBlock((byte*)_widened, row * sizeof(float), to.Head * sizeof(float), 0);
        }

        (long page, long place) = Math.DivRem(_position + first, _shape.Page);
        count = (int)Math.Min(count, _shape.Page - place);
        long head = _shape.State.Bytes(_shape.HeadDim);
        long slot = head * _shape.KvHeads;
        byte* entries = pool + (((_tile.Pages[page] * _shape.Page) + place) * slot) + (_tile.KvHead * head);
        return new KvBlock(entries, slot, head, head);
    }
}
