namespace HeteroQwen.Generation;

/// <summary>A text's entries in the KV pool, positions 0 .. Length - 1. Disposing gives its pages back.</summary>
public sealed class Sequence : IDisposable
{
    private bool _disposed;

    internal Sequence(KvPool pool)
    {
        Pool = pool;
        Pages = new int[pool.PagesPerSequence];
    }

    /// <summary>Entries, which is the position of the next token.</summary>
    public int Length { get; internal set; }

    internal KvPool Pool { get; }

    /// <summary>The page of entries i * page .. in element i; valid up to <see cref="PageCount"/>.</summary>
    internal int[] Pages { get; }

    internal int PageCount { get; set; }

    /// <summary>A second sequence with the same entries; they share pages until one of them writes.</summary>
    public Sequence Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Pool.Fork(this);
    }

    /// <summary>Forgets the entries from <paramref name="length"/> on.</summary>
    public void Truncate(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Pool.Truncate(this, length);
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            Pool.Truncate(this, 0);
            _disposed = true;
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}
